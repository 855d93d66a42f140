import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import type { ColumnProfile, Profile } from "../profile/index.ts";
import type { ColumnChecks, DatasetChecks, DistanceCheck } from "./checks.ts";
import type { Condition } from "./row-conditions.ts";
import type { SnapshotManifest } from "./snapshot.ts";

/** What a dataset declares about its rows. */
export interface DatasetSchema {
  readonly columns: Readonly<
    Record<
      string,
      { readonly type: ColumnType; readonly known?: "before" | "after"; readonly required?: boolean }
    >
  >;
  readonly time?: string;
  readonly checks?: DatasetChecks;
}

/** What a snapshot is compared with: the one before it (drift), or the one that was trained on (skew). */
export interface Reference {
  readonly role: "previous" | "training";
  readonly rowCount: number;
  readonly profile: Profile;
}

/** What validation is about. Times are epoch milliseconds. */
export interface Subject {
  readonly schema: DatasetSchema;
  readonly snapshot: Pick<SnapshotManifest, "rowCount" | "schema" | "profile" | "undeclaredColumns">;
  readonly reference?: Reference;
  readonly now: number;
}

/** What must be counted in the rows themselves. */
export interface NeededEvidence {
  /** By column. */
  readonly conditions: ReadonlyMap<string, readonly Condition[]>;
  /** Columns whose values are counted as the same and as different. */
  readonly uniqueness: readonly string[];
  readonly key: readonly string[] | undefined;
  /** Columns whose rows are compared with those of the reference. */
  readonly distances: readonly string[];
}

/**
 * What the profile cannot answer exactly. It knows counts, missing values, the smallest and the largest value exactly, and
 * of categories all values where there are at most 1,000, so that a snapshot without faults needs few scans.
 */
export function neededEvidence(subject: Subject): NeededEvidence {
  const { schema, snapshot } = subject;
  const conditions = new Map<string, Condition[]>();
  const uniqueness: string[] = [];
  const distances: string[] = [];
  for (const judged of judgedColumns(subject)) {
    const { name, checks, profile } = judged;
    const wanted = conditionsOf(judged).filter((condition) =>
      mayBeMet(condition, profile, snapshot.rowCount),
    );
    if (wanted.length > 0) conditions.set(name, wanted);
    if (checks.unique !== undefined || checks.distinct !== undefined) uniqueness.push(name);
    if (distanceCheckOf(subject, checks)?.exact === true && referenceColumn(subject, name) !== undefined)
      distances.push(name);
  }
  const key = schema.checks?.key?.columns;
  const hasKey = key?.every((name) => snapshot.schema.some((column) => column.name === name));
  return { conditions, uniqueness, distances, key: hasKey === true ? key : undefined };
}

/** A column that has checks and is there with the type that it should have. */
export interface JudgedColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly checks: ColumnChecks;
  readonly profile: ColumnProfile;
}

export function judgedColumns({ schema, snapshot }: Subject): JudgedColumn[] {
  return Object.entries(schema.checks?.columns ?? {}).flatMap(([name, checks]) => {
    const type = schema.columns[name]?.type;
    const profile = snapshot.profile.columns.find((column) => column.name === name);
    return type === undefined || profile === undefined || profile.type !== type
      ? []
      : [{ name, type, checks, profile }];
  });
}

export function distanceCheckOf({ reference }: Subject, checks: ColumnChecks): DistanceCheck | undefined {
  if (reference === undefined) return undefined;
  return reference.role === "previous" ? checks.drift : checks.skew;
}

/** The column of the reference, where it has one of the same type with values. */
export function referenceColumn({ schema, reference }: Subject, name: string): ColumnProfile | undefined {
  return reference?.profile.columns.find(
    (column) => column.name === name && column.type === schema.columns[name]?.type && column.count > 0,
  );
}

export function conditionsOf({ checks, type }: Pick<JudgedColumn, "checks" | "type">): Condition[] {
  const { missing, domain, range, pattern } = checks;
  return [
    ...(missing === undefined ? [] : [{ kind: "missing-values" } as const]),
    ...(domain === undefined ? [] : [{ kind: "outside-domain", values: domain.values } as const]),
    ...(range?.min === undefined
      ? []
      : [{ kind: "below-minimum", limit: limitOf(range.min, type) } as const]),
    ...(range?.max === undefined
      ? []
      : [{ kind: "above-maximum", limit: limitOf(range.max, type) } as const]),
    ...(pattern === undefined
      ? []
      : [
          {
            kind: "pattern-mismatch",
            matches: pattern.matches,
            ...(pattern.flags === undefined ? {} : { flags: pattern.flags }),
          } as const,
        ]),
  ];
}

/** Limits of timestamps are written as ISO 8601. */
export function limitOf(limit: string | number, type: ColumnType): number {
  return type === "timestamp" ? parseIsoTime(String(limit)) : Number(limit);
}

function mayBeMet(condition: Condition, profile: ColumnProfile, rowCount: number): boolean {
  switch (condition.kind) {
    case "missing-values":
      return profile.missing > 0 && rowCount > 0;
    case "below-minimum":
      return (
        profile.kind !== "number" || (profile.count > 0 && !((profile.min ?? Number.NaN) >= condition.limit))
      );
    case "above-maximum":
      return (
        profile.kind !== "number" || (profile.count > 0 && !((profile.max ?? Number.NaN) <= condition.limit))
      );
    case "outside-domain": {
      if (profile.kind !== "category" || profile.other > 0 || profile.undercount > 0)
        return profile.count > 0;
      const domain = new Set<unknown>(condition.values);
      return profile.top.some(({ value }) => !domain.has(value));
    }
    case "pattern-mismatch":
      return profile.count > 0;
  }
}
