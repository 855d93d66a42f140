import { compareColumns, type Distance } from "../profile/index.ts";
import type { Anomaly, Findings, SchemaChange, UnjudgedCheck } from "./anomaly.ts";
import { type AnomalyKind, anomalyKinds } from "./anomaly-kinds.ts";
import { type Check, countChecks, type DistanceCheck } from "./checks.ts";
import type { Evidence } from "./evidence.ts";
import {
  conditionsOf,
  distanceCheckOf,
  type JudgedColumn,
  judgedColumns,
  referenceColumn,
  type Subject,
} from "./needed-evidence.ts";
import { type Condition, MOST_VALUES, numberText, type Offences } from "./row-conditions.ts";
import { atLeastAsLarge, atMostAsLarge, countText, numberWord, percent } from "./wording.ts";

/**
 * Which limits of its dataset a snapshot breaks: first those of the dataset, then those of its columns, in the order in
 * which they are declared. A function of what it is given: the same in a run, on the command line and over live traffic.
 *
 * @param evidence all that `neededEvidence` asks for
 */
export function findAnomalies(subject: Subject, evidence: Evidence): Findings {
  const found = new Found();
  judgeColumnSet(subject, found);
  if (subject.reference?.role !== "training") judgeDataset(subject, evidence, found);
  for (const column of judgedColumns(subject)) {
    judgeConditions(column, evidence, found);
    judgeUniqueness(column, evidence, found);
    judgeDistances(subject, column, { evidence, found });
  }
  return {
    checks: countChecks(subject.schema.checks ?? {}),
    anomalies: found.anomalies,
    unjudged: found.unjudged,
  };
}

type Facts = Pick<Anomaly, "expected" | "observed"> &
  Partial<Pick<Anomaly, "rows" | "share" | "firstRows" | "distance">> & {
    /** The option of the column, or of the dataset, that the proposal changes. */
    readonly proposal?: SchemaChange;
  };

class Found {
  readonly anomalies: Anomaly[] = [];
  readonly unjudged: UnjudgedCheck[] = [];

  add(kind: AnomalyKind, at: { readonly column: string | null; readonly check?: Check }, facts: Facts): void {
    const { rows = null, share = null, firstRows = [], proposal = null, ...rest } = facts;
    const severity = at.check?.severity ?? anomalyKinds[kind].severity;
    this.anomalies.push({ kind, severity, column: at.column, rows, share, firstRows, proposal, ...rest });
  }

  leave(check: string, column: string | null, reason: string): void {
    this.unjudged.push({ check, column, reason });
  }
}

const option = (path: readonly string[], value: SchemaChange["value"]): { proposal: SchemaChange } => ({
  proposal: { path, value },
});
const columnOption = (column: string, path: readonly string[], value: SchemaChange["value"]) =>
  option(["checks", "columns", column, ...path], value);

function judgeColumnSet(subject: Subject, found: Found): void {
  const { schema, snapshot, reference } = subject;
  const serving = reference?.role === "training";
  for (const [name, { type, known, required }] of Object.entries(schema.columns)) {
    const there = snapshot.schema.find((column) => column.name === name);
    if (there === undefined) {
      if (serving && (known === "after" || required === false)) continue;
      found.add(
        "missing-column",
        { column: name },
        {
          expected: `a column of type ${type}`,
          observed: "there is no such column",
          ...(serving ? option(["columns", name, "required"], false) : {}),
        },
      );
    } else if (there.type !== type) {
      found.add(
        "wrong-type",
        { column: name },
        { expected: type, observed: there.type, ...option(["columns", name, "type"], there.type) },
      );
    }
  }
  judgeUnexpected(subject, found);
}

function judgeUnexpected({ schema, snapshot, reference }: Subject, found: Found): void {
  const check = schema.checks?.unexpectedColumns;
  if (check === undefined) return;
  const present =
    reference?.role === "training"
      ? snapshot.schema.map(({ name }) => name).filter((name) => !Object.hasOwn(schema.columns, name))
      : snapshot.undeclaredColumns;
  if (present === undefined) {
    found.leave("unexpectedColumns", null, "the snapshot was taken before this check was declared");
    return;
  }
  const allowed = check.allowed ?? [];
  const unexpected = present.filter((name) => !allowed.includes(name));
  for (const name of unexpected) {
    found.add(
      "unexpected-column",
      { column: name, check },
      {
        expected: "only columns that the dataset declares or allows",
        observed: "a column of this name",
        ...option(["checks", "unexpectedColumns", "allowed"], [...allowed, ...unexpected]),
      },
    );
  }
}

function judgeDataset(subject: Subject, evidence: Evidence, found: Found): void {
  const { checks } = subject.schema;
  const { rowCount } = subject.snapshot;
  const { rows, key } = checks ?? {};
  const at = { column: null, ...(rows === undefined ? {} : { check: rows }) };
  const observed = countText(rowCount, "rows");
  if (rows?.min !== undefined && rowCount < rows.min)
    found.add("too-few-rows", at, {
      expected: `at least ${countText(rows.min, "rows")}`,
      observed,
      ...option(["checks", "rows", "min"], rowCount),
    });
  if (rows?.max !== undefined && rowCount > rows.max)
    found.add("too-many-rows", at, {
      expected: `at most ${countText(rows.max, "rows")}`,
      observed,
      ...option(["checks", "rows", "max"], rowCount),
    });
  judgeRowsOfPrevious(subject, found);
  judgeFreshness(subject, found);
  if (key === undefined) return;
  if (evidence.key === undefined) {
    found.leave("key", null, "the snapshot lacks a column of the key");
    return;
  }
  judgeRepeated(
    { kind: "duplicate-key", column: null, check: key, path: ["checks", "key", "maxShareRepeated"] },
    { offences: evidence.key.repeated, of: rowCount, what: `a key (${key.columns.join(", ")})` },
    found,
  );
}

function judgeRowsOfPrevious({ schema, snapshot, reference }: Subject, found: Found): void {
  const check = schema.checks?.rowsOfPrevious;
  if (check === undefined) return;
  if (reference === undefined || reference.rowCount === 0) {
    found.leave("rowsOfPrevious", null, "there is no previous snapshot");
    return;
  }
  const ratio = snapshot.rowCount / reference.rowCount;
  const observed = `${countText(snapshot.rowCount, "rows")} after ${countText(reference.rowCount, "rows")}: ${numberWord(ratio)} times as many`;
  const at = { column: null, check };
  if (check.min !== undefined && ratio < check.min)
    found.add("row-count-fell", at, {
      expected: `at least ${numberWord(check.min)} times as many as before`,
      observed,
      ...option(["checks", "rowsOfPrevious", "min"], atMostAsLarge(ratio)),
    });
  if (check.max !== undefined && ratio > check.max)
    found.add("row-count-grew", at, {
      expected: `at most ${numberWord(check.max)} times as many as before`,
      observed,
      ...option(["checks", "rowsOfPrevious", "max"], atLeastAsLarge(ratio)),
    });
}

const MS_PER_HOUR = 3_600_000;

function judgeFreshness({ schema, snapshot, now }: Subject, found: Found): void {
  const check = schema.checks?.freshness;
  if (check === undefined) return;
  const time = snapshot.profile.columns.find(({ name }) => name === schema.time);
  if (time?.kind !== "number" || time.max === null) {
    found.leave("freshness", null, "the dataset's time has no values");
    return;
  }
  const ageHours = (now - time.max) / MS_PER_HOUR;
  if (ageHours <= check.maxAgeHours) return;
  found.add(
    "stale",
    { column: time.name, check },
    {
      expected: `a newest row of at most ${numberWord(check.maxAgeHours)} hours`,
      observed: `the newest is of ${numberText(time.max, "timestamp")}, ${numberWord(ageHours)} hours old`,
      ...option(["checks", "freshness", "maxAgeHours"], Math.ceil(ageHours)),
    },
  );
}

function judgeConditions(column: JudgedColumn, evidence: Evidence, found: Found): void {
  const { name, profile } = column;
  const rowCount = profile.count + profile.missing;
  for (const condition of conditionsOf(column)) {
    const of = condition.kind === "missing-values" ? rowCount : profile.count;
    if (of === 0) {
      found.leave(anomalyKinds[condition.kind].option, name, "the column has no values");
      continue;
    }
    const offences = evidence.offences.get(name)?.get(condition.kind);
    if (offences === undefined || offences.rows / of <= toleratedShare(column, condition)) continue;
    const { rows, first: firstRows } = offences;
    found.add(
      condition.kind,
      { column: name, check: checkOf(column, condition) },
      { rows, share: rows / of, firstRows, ...describeOffences(column, condition, { offences, of }) },
    );
  }
}

function checkOf({ checks }: JudgedColumn, { kind }: Condition): Check {
  const check = {
    "missing-values": checks.missing,
    "outside-domain": checks.domain,
    "below-minimum": checks.range,
    "above-maximum": checks.range,
    "pattern-mismatch": checks.pattern,
  }[kind];
  return check ?? {};
}

function toleratedShare({ checks }: JudgedColumn, { kind }: Condition): number {
  switch (kind) {
    case "missing-values":
      return checks.missing?.maxShare ?? 1;
    case "outside-domain":
      return checks.domain?.maxShareOutside ?? 0;
    case "below-minimum":
    case "above-maximum":
      return checks.range?.maxShareOutside ?? 0;
    case "pattern-mismatch":
      return checks.pattern?.maxShareOutside ?? 0;
  }
}

const SHOWN_VALUES = 5;

function describeOffences(
  column: JudgedColumn,
  condition: Condition,
  { offences, of }: { readonly offences: Offences; readonly of: number },
): Facts {
  const { name, type, profile, checks } = column;
  const share = offences.rows / of;
  const counted = `${countText(offences.rows, "rows")} (${percent(share)})`;
  const tolerated = toleratedShare(column, condition);
  const some = tolerated === 0 ? "none" : `at most ${percent(tolerated)}`;
  switch (condition.kind) {
    case "missing-values":
      return {
        expected: `${some} without a value`,
        observed: `${counted} without a value`,
        ...columnOption(name, ["missing", "maxShare"], Math.min(1, atLeastAsLarge(share))),
      };
    case "outside-domain": {
      const { values } = offences;
      const all = values.length <= MOST_VALUES;
      const shown = values.slice(0, SHOWN_VALUES).map((value) => JSON.stringify(value));
      const more =
        values.length > shown.length ? `, … (${all ? values.length : `more than ${MOST_VALUES}`})` : "";
      const added = type === "int" ? values.map(Number) : values;
      const fits = all && condition.values.length + values.length <= MOST_VALUES;
      return {
        expected: `${some} outside the ${countText(condition.values.length, "values")} of the domain`,
        observed: `${counted} with ${shown.join(", ")}${more}`,
        ...(fits
          ? columnOption(name, ["domain", "values"], [...condition.values, ...added])
          : columnOption(name, ["domain", "maxShareOutside"], Math.min(1, atLeastAsLarge(share)))),
      };
    }
    case "below-minimum":
    case "above-maximum": {
      const below = condition.kind === "below-minimum";
      const word = below ? "below" : "above";
      const extreme = profile.kind === "number" ? (below ? profile.min : profile.max) : null;
      const limit = below ? checks.range?.min : checks.range?.max;
      const value = extreme === null ? null : type === "timestamp" ? numberText(extreme, type) : extreme;
      return {
        expected: `${some} ${word} ${limit}`,
        observed: `${counted} ${word} it, the ${below ? "smallest" : "largest"} ${value}`,
        ...columnOption(name, ["range", below ? "min" : "max"], value),
      };
    }
    case "pattern-mismatch":
      return {
        expected: `${some} that do not match /${condition.matches}/${condition.flags ?? ""}`,
        observed: `${counted} that do not`,
        ...columnOption(name, ["pattern", "maxShareOutside"], Math.min(1, atLeastAsLarge(share))),
      };
  }
}

function judgeUniqueness({ name, checks, profile }: JudgedColumn, evidence: Evidence, found: Found): void {
  const { unique, distinct } = checks;
  const counted = evidence.uniqueness.get(name);
  if (counted === undefined) return;
  if (unique !== undefined && profile.count === 0) found.leave("unique", name, "the column has no values");
  else if (unique !== undefined)
    judgeRepeated(
      {
        kind: "repeated-values",
        column: name,
        check: unique,
        path: ["checks", "columns", name, "unique", "maxShareRepeated"],
      },
      { offences: counted.repeated, of: profile.count, what: "a value" },
      found,
    );
  if (distinct === undefined) return;
  const at = { column: name, check: distinct };
  const observed = countText(counted.distinct, "different values");
  if (distinct.min !== undefined && counted.distinct < distinct.min)
    found.add("too-few-distinct", at, {
      expected: `at least ${countText(distinct.min, "different values")}`,
      observed,
      ...columnOption(name, ["distinct", "min"], counted.distinct),
    });
  if (distinct.max !== undefined && counted.distinct > distinct.max)
    found.add("too-many-distinct", at, {
      expected: `at most ${countText(distinct.max, "different values")}`,
      observed,
      ...columnOption(name, ["distinct", "max"], counted.distinct),
    });
}

function judgeRepeated(
  about: {
    readonly kind: "duplicate-key" | "repeated-values";
    readonly column: string | null;
    readonly check: Check & { readonly maxShareRepeated?: number };
    readonly path: readonly string[];
  },
  counted: { readonly offences: Offences; readonly of: number; readonly what: string },
  found: Found,
): void {
  const { rows, first } = counted.offences;
  const tolerated = about.check.maxShareRepeated ?? 0;
  const share = counted.of === 0 ? 0 : rows / counted.of;
  if (share <= tolerated) return;
  found.add(about.kind, about, {
    expected: `${tolerated === 0 ? "no row" : `at most ${percent(tolerated)}`} with ${counted.what} that an earlier row has`,
    observed: `${countText(rows, "rows")} (${percent(share)})`,
    rows,
    share,
    firstRows: first,
    ...option(about.path, Math.min(1, atLeastAsLarge(share))),
  });
}

const LIMIT_OF = {
  "l-infinity": "lInfinity",
  "jensen-shannon": "jensenShannon",
  psi: "psi",
  "kolmogorov-smirnov": "kolmogorovSmirnov",
} as const satisfies Readonly<Record<Distance["measure"], keyof DistanceCheck>>;

function judgeDistances(
  subject: Subject,
  { name, checks, profile }: JudgedColumn,
  { evidence, found }: { readonly evidence: Evidence; readonly found: Found },
): void {
  if (subject.reference === undefined) {
    if (checks.drift !== undefined) found.leave("drift", name, "there is no previous snapshot");
    return;
  }
  const check = distanceCheckOf(subject, checks);
  if (check === undefined) return;
  const kind = subject.reference.role === "previous" ? "drift" : "skew";
  const other = subject.reference.role === "previous" ? "the previous snapshot" : "the training data";
  const reference = referenceColumn(subject, name);
  if (reference === undefined || profile.count === 0) {
    const reason = reference === undefined ? `${other} has no values of it` : "the column has no values";
    found.leave(kind, name, reason);
    return;
  }
  const distances =
    check.exact === true ? (evidence.distances.get(name) ?? []) : compareColumns(reference, profile);
  for (const distance of distances) {
    const option = LIMIT_OF[distance.measure];
    const limit = check[option];
    if (limit === undefined || distance.value <= limit) continue;
    const word = MEASURE_WORDS[distance.measure];
    found.add(
      kind,
      { column: name, check },
      {
        expected: `${word} of at most ${limit} from ${other}`,
        observed: `${word} ${numberWord(distance.value)} (${distance.convention})`,
        distance,
        ...columnOption(name, [kind, option], atLeastAsLarge(distance.value)),
      },
    );
  }
}

const MEASURE_WORDS: Readonly<Record<Distance["measure"], string>> = {
  "l-infinity": "L∞",
  "jensen-shannon": "Jensen–Shannon distance to base 2",
  psi: "PSI",
  "kolmogorov-smirnov": "Kolmogorov–Smirnov statistic",
};
