import type {
  CategoryDistanceCheck,
  ColumnChecks,
  DatasetChecks,
  DistinctCheck,
  DomainCheck,
  FreshnessCheck,
  KeyCheck,
  MissingCheck,
  NumberDistanceCheck,
  PatternCheck,
  RangeCheck,
  RowsCheck,
  RowsOfPreviousCheck,
  UnexpectedColumnsCheck,
  UniqueCheck,
} from "../datasets/spec.ts";
import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import { suggest } from "./closest-name.ts";
import { projectErrors } from "./errors.ts";

/** The limits of a dataset as a config writes them: by the types of its columns. */

/** As `PatternCheck`, but the expression may be written as one: `/^[A-Z]{3}$/`. */
export type WrittenPattern = Omit<PatternCheck, "matches"> & { readonly matches: string | RegExp };

interface AnyColumnChecks {
  /** How many rows may lack a value: `{ maxShare: 0.01 }`. */
  readonly missing?: MissingCheck;
  /** No value occurs twice: `true`, or a tolerated share. */
  readonly unique?: true | UniqueCheck;
  /** How many different values there are: `{ min: 2, max: 50 }`. */
  readonly distinct?: DistinctCheck;
}

interface NumberDistances {
  /** How far values may move from those of the previous snapshot. */
  readonly drift?: NumberDistanceCheck;
  /** How far values that are predicted for may lie from those that were trained on. */
  readonly skew?: NumberDistanceCheck;
}

interface TextChecks extends AnyColumnChecks {
  /** What every value looks like: `{ matches: /^[A-Z]{3}$/ }`. */
  readonly pattern?: WrittenPattern;
}

export interface ChecksOfType {
  readonly int: AnyColumnChecks &
    NumberDistances & { readonly range?: RangeCheck<number>; readonly domain?: DomainCheck<number> };
  readonly float: AnyColumnChecks & NumberDistances & { readonly range?: RangeCheck<number> };
  readonly bool: Pick<AnyColumnChecks, "missing"> & NumberDistances;
  /** Limits of a range are ISO 8601 texts: `{ min: "2020-01-01" }`. */
  readonly timestamp: AnyColumnChecks & { readonly range?: RangeCheck<string> };
  readonly category: TextChecks & {
    /** The values there are: `{ values: ["a", "b"], maxShareOutside: 0.01 }`. */
    readonly domain?: DomainCheck<string>;
    readonly drift?: CategoryDistanceCheck;
    readonly skew?: CategoryDistanceCheck;
  };
  readonly text: TextChecks;
}

type ChecksOf<Declaration> = Declaration extends keyof ChecksOfType
  ? ChecksOfType[Declaration]
  : Declaration extends { readonly type: infer Type extends keyof ChecksOfType }
    ? ChecksOfType[Type]
    : AnyColumnChecks;

/** What `dataset({ checks })` takes for these columns. */
export interface ChecksOn<Columns, TimeColumn extends string> {
  /** `{ min: 1_000, max: 100_000 }` */
  readonly rows?: RowsCheck;
  /** Rows for each row of the previous snapshot: `{ min: 0.5, max: 2 }`. */
  readonly rowsOfPrevious?: RowsOfPreviousCheck;
  /** How old the newest row may be, by the dataset's `time`: `{ maxAgeHours: 48 }`. */
  readonly freshness?: [TimeColumn] extends [never] ? never : FreshnessCheck;
  /** Columns that together name a row: `{ columns: ["id"] }`. */
  readonly key?: KeyCheck<Extract<keyof Columns, string>>;
  /** Says when the files have columns that are not declared: `{}`, or `{ allowed: ["comment"] }`. */
  readonly unexpectedColumns?: UnexpectedColumnsCheck;
  readonly columns?: { readonly [Name in keyof Columns]?: ChecksOf<Columns[Name]> };
}

interface DeclaredDataset {
  readonly columns: Readonly<Record<string, { readonly type: ColumnType }>>;
  readonly time: string | undefined;
}

/**
 * The checks as plain data.
 *
 * @throws PROJECT_BAD_DATASET, PROJECT_UNKNOWN_COLUMN
 */
export function readChecks(given: unknown, { columns, time }: DeclaredDataset): DatasetChecks {
  const checks = readObject(given, {
    where: "checks",
    known: ["rows", "rowsOfPrevious", "freshness", "key", "unexpectedColumns", "columns"],
  });
  const read: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(checks)) {
    if (check === undefined) continue;
    const where = `checks.${name}`;
    switch (name) {
      case "rows":
        read[name] = readBounds(check, { where, whole: true });
        break;
      case "rowsOfPrevious":
        read[name] = readBounds(check, { where, whole: false });
        break;
      case "freshness":
        if (time === undefined)
          throw bad(`${where}: the dataset has no time`, where, `declare time: "…" in dataset()`);
        read[name] = readFreshness(check, where);
        break;
      case "key":
        read[name] = readKey(check, where, columns);
        break;
      case "unexpectedColumns":
        read[name] = readUnexpected(check, where);
        break;
      default:
        read[name] = readColumnsChecks(check, columns);
    }
  }
  return read;
}

function readFreshness(given: unknown, where: string): FreshnessCheck {
  const check = readCheck(given, { where, known: ["maxAgeHours"] });
  if (!(typeof check.maxAgeHours === "number" && check.maxAgeHours > 0 && Number.isFinite(check.maxAgeHours)))
    throw bad(`${where}.maxAgeHours must be a number above 0`, where, "freshness: { maxAgeHours: 48 }");
  return check as unknown as FreshnessCheck;
}

function readKey(given: unknown, where: string, columns: DeclaredDataset["columns"]): KeyCheck {
  const check = readCheck(given, { where, known: ["columns", "maxShareRepeated"] });
  if (!Array.isArray(check.columns) || check.columns.length === 0)
    throw bad(`${where}.columns must be a list of columns`, where, `key: { columns: ["id"] }`);
  for (const column of check.columns) requireColumn(column, `${where}.columns`, columns);
  checkShare(check.maxShareRepeated, `${where}.maxShareRepeated`);
  return { ...check, columns: [...check.columns] };
}

function readUnexpected(given: unknown, where: string): UnexpectedColumnsCheck {
  const check = readCheck(given, { where, known: ["allowed"] });
  const { allowed } = check;
  if (allowed === undefined) return check;
  if (!Array.isArray(allowed) || allowed.some((name) => typeof name !== "string"))
    throw bad(`${where}.allowed must be a list of names`, where);
  return { ...check, allowed: [...allowed] };
}

function readColumnsChecks(
  given: unknown,
  columns: DeclaredDataset["columns"],
): Record<string, ColumnChecks> {
  if (typeof given !== "object" || given === null)
    throw bad("checks.columns must be an object", "checks.columns");
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, checks]) => {
      if (checks === undefined) return [];
      requireColumn(name, "checks.columns", columns);
      return [[name, readColumnChecks(checks, `checks.columns.${name}`, columns[name]!.type)]];
    }),
  );
}

const NUMBER_MEASURES = ["jensenShannon", "psi", "kolmogorovSmirnov"];
const CATEGORY_MEASURES = ["lInfinity", "jensenShannon"];

/** The checks that a column of a type can have. */
const CHECKS_OF_TYPE: Readonly<Record<ColumnType, readonly (keyof ColumnChecks)[]>> = {
  int: ["missing", "unique", "distinct", "range", "domain", "drift", "skew"],
  float: ["missing", "unique", "distinct", "range", "drift", "skew"],
  bool: ["missing", "drift", "skew"],
  timestamp: ["missing", "unique", "distinct", "range"],
  category: ["missing", "unique", "distinct", "domain", "pattern", "drift", "skew"],
  text: ["missing", "unique", "distinct", "pattern"],
};

function readColumnChecks(given: unknown, where: string, type: ColumnType): ColumnChecks {
  const known = CHECKS_OF_TYPE[type];
  const checks = readObject(given, { where, known, of: `a column of type ${type}` });
  const read: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(checks)) {
    if (check !== undefined) read[name] = readColumnCheck(name as keyof ColumnChecks, check, { where, type });
  }
  return read;
}

function readColumnCheck(
  name: keyof ColumnChecks,
  given: unknown,
  { where: column, type }: { readonly where: string; readonly type: ColumnType },
): ColumnChecks[keyof ColumnChecks] {
  const where = `${column}.${name}`;
  switch (name) {
    case "missing": {
      const check = readCheck(given, { where, known: ["maxShare"] });
      if (check.maxShare === undefined)
        throw bad(`${where}.maxShare is missing`, where, "missing: { maxShare: 0 }");
      checkShare(check.maxShare, `${where}.maxShare`);
      return check as unknown as MissingCheck;
    }
    case "unique": {
      const check = given === true ? {} : readCheck(given, { where, known: ["maxShareRepeated"] });
      checkShare(check.maxShareRepeated, `${where}.maxShareRepeated`);
      return check as UniqueCheck;
    }
    case "distinct":
      return readBounds(given, { where, whole: true }) as DistinctCheck;
    case "range":
      return readRange(given, where, type);
    case "domain":
      return readDomain(given, where, type);
    case "pattern":
      return readPattern(given, where);
    case "drift":
    case "skew":
      return readDistances(given, where, type === "category" ? CATEGORY_MEASURES : NUMBER_MEASURES);
  }
}

function readRange(given: unknown, where: string, type: ColumnType): RangeCheck {
  const check = readCheck(given, { where, known: ["min", "max", "maxShareOutside"] });
  const isTime = type === "timestamp";
  const limits = [check.min, check.max].map((limit, at) => {
    if (limit === undefined) return at === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    const value = isTime && typeof limit === "string" ? parseIsoTime(limit) : isTime ? Number.NaN : limit;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    const wanted = isTime ? 'an ISO 8601 time such as "2020-01-01"' : "a number";
    throw bad(`${where}.${at === 0 ? "min" : "max"} must be ${wanted}`, where);
  });
  checkOrder(check, limits as [number, number], where);
  checkShare(check.maxShareOutside, `${where}.maxShareOutside`);
  return check;
}

function readDomain(given: unknown, where: string, type: ColumnType): DomainCheck {
  const check = readCheck(given, { where, known: ["values", "maxShareOutside"] });
  const wanted = type === "int" ? "number" : "string";
  if (
    !Array.isArray(check.values) ||
    check.values.length === 0 ||
    check.values.some((item) => typeof item !== wanted)
  )
    throw bad(`${where}.values must be a list of ${wanted}s`, where);
  checkShare(check.maxShareOutside, `${where}.maxShareOutside`);
  return { ...check, values: [...check.values] };
}

function readPattern(given: unknown, where: string): PatternCheck {
  const { matches, flags, ...check } = readCheck(given, {
    where,
    known: ["matches", "flags", "maxShareOutside"],
  });
  checkShare(check.maxShareOutside, `${where}.maxShareOutside`);
  const hint = "pattern: { matches: /^[A-Z]{3}$/ }";
  const source = matches instanceof RegExp ? matches.source : matches;
  const used = matches instanceof RegExp ? matches.flags : (flags ?? "");
  if (typeof source !== "string" || typeof used !== "string")
    throw bad(`${where}.matches must be a regular expression`, where, hint);
  if (/[gy]/.test(used)) throw bad(`${where}.matches: the flags g and y make no sense here`, where, hint);
  try {
    new RegExp(source, used);
  } catch (thrown) {
    throw bad(`${where}.matches: ${thrown instanceof Error ? thrown.message : String(thrown)}`, where, hint);
  }
  return { ...check, matches: source, ...(used === "" ? {} : { flags: used }) };
}

function readDistances(given: unknown, where: string, measures: readonly string[]): NumberDistanceCheck {
  const check = readCheck(given, { where, known: [...measures, "exact"] });
  if (check.exact !== undefined && typeof check.exact !== "boolean")
    throw bad(`${where}.exact must be true or false`, where);
  const limits = measures.filter((measure) => check[measure] !== undefined);
  if (limits.length === 0) throw bad(`${where} limits nothing`, where, `give one of ${measures.join(", ")}`);
  for (const measure of limits) {
    const limit = check[measure];
    if (
      typeof limit !== "number" ||
      !(limit >= 0) ||
      (measure !== "psi" && limit > 1) ||
      limit === Number.POSITIVE_INFINITY
    )
      throw bad(`${where}.${measure} must be a number from 0${measure === "psi" ? "" : " to 1"}`, where);
  }
  return check;
}

function readBounds(given: unknown, { where, whole }: { where: string; whole: boolean }): RowsCheck {
  const check = readCheck(given, { where, known: ["min", "max"] });
  const limits = [check.min ?? 0, check.max ?? Number.POSITIVE_INFINITY] as const;
  for (const [name, limit] of Object.entries({ min: check.min, max: check.max })) {
    if (limit === undefined) continue;
    const fits =
      typeof limit === "number" &&
      limit >= 0 &&
      (whole ? Number.isSafeInteger(limit) : Number.isFinite(limit));
    if (!fits) throw bad(`${where}.${name} must be a ${whole ? "whole " : ""}number from 0`, where);
  }
  checkOrder(check, limits as readonly [number, number], where);
  return check;
}

function checkOrder(
  check: Readonly<Record<string, unknown>>,
  [min, max]: readonly [number, number],
  where: string,
): void {
  if (check.min === undefined && check.max === undefined)
    throw bad(`${where} limits nothing: give min, max or both`, where);
  if (min > max) throw bad(`${where}: min is larger than max`, where);
}

function checkShare(share: unknown, where: string): void {
  if (share === undefined || (typeof share === "number" && share >= 0 && share <= 1)) return;
  throw bad(`${where} must be a share from 0 to 1`, where);
}

/** An object of known options, with a severity. */
function readCheck(
  given: unknown,
  { where, known }: { readonly where: string; readonly known: readonly string[] },
): Record<string, unknown> {
  const check = readObject(given, { where, known: [...known, "severity"] });
  const { severity } = check;
  if (severity !== undefined && severity !== "error" && severity !== "warning")
    throw bad(`${where}.severity must be "error" or "warning"`, where);
  return Object.fromEntries(Object.entries(check).filter(([, value]) => value !== undefined));
}

function readObject(
  given: unknown,
  {
    where,
    known,
    of = "it",
  }: { readonly where: string; readonly known: readonly string[]; readonly of?: string },
): Readonly<Record<string, unknown>> {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw bad(`${where} must be an object`, where, `${of === "it" ? "" : `${of}: `}{ ${known.join(", ")} }`);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw bad(`${where} has no option "${name}"`, where, suggest(name, known));
  }
  return { ...given };
}

function requireColumn(name: unknown, where: string, columns: DeclaredDataset["columns"]): void {
  if (typeof name === "string" && Object.hasOwn(columns, name)) return;
  throw projectErrors.PROJECT_UNKNOWN_COLUMN.error(`${where}: the dataset has no column "${String(name)}"`, {
    details: { column: String(name), option: where },
    hint: suggest(String(name), Object.keys(columns)),
  });
}

function bad(message: string, option: string, hint?: string): Error {
  return projectErrors.PROJECT_BAD_DATASET.error(message, {
    details: { option },
    ...(hint === undefined ? {} : { hint }),
  });
}
