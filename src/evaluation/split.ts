import { assertNever, createRandom, parseIsoTime, type Table, type TableColumn } from "../kernel/index.ts";
import { evaluationErrors } from "./errors.ts";
import { checkSplit, type HashSplit, type RandomSplit, type SplitSpec, type TimeSplit } from "./spec.ts";
import { stableHash } from "./stable-hash.ts";
import { timeText } from "./time-text.ts";

/** What a row is used for. */
export const splitRole = { train: 0, validate: 1, evaluate: 2, unused: 3 } as const;

export type SplitRole = (typeof splitRole)[keyof typeof splitRole];

/**
 * The role of every row.
 *
 * @param timeColumn the dataset's time column, for splits by time that name none.
 * @throws EVALUATION_BAD_SPLIT, EVALUATION_NO_TIME_COLUMN, EVALUATION_BAD_SPLIT_COLUMN, EVALUATION_SPLIT_VALUE_MISSING,
 *   EVALUATION_SPLIT_OUTSIDE_DATA, and EVALUATION_EMPTY_SPLIT when training, evaluation, or a validation that was
 *   asked for would have no rows.
 */
export function assignSplit(split: SplitSpec, table: Table, timeColumn?: string): Uint8Array {
  checkSplit(split);
  const roles = rolesOf(split, table, timeColumn);
  requireRows(split, roles);
  return roles;
}

function rolesOf(split: SplitSpec, table: Table, timeColumn: string | undefined): Uint8Array {
  switch (split.by) {
    case "time":
      return splitByTime(split, table, timeColumn);
    case "hash":
      return splitByHash(split, table);
    case "random":
      return splitByRandom(split, table.rowCount);
    default:
      return assertNever(split);
  }
}

function splitByRandom(split: RandomSplit, rowCount: number): Uint8Array {
  const roles = new Uint8Array(rowCount);
  const random = createRandom(split.seed).fork("split");
  const { evaluateBelow, validateBelow } = shareLimits(split);
  for (let row = 0; row < rowCount; row++) {
    const drawn = random.uint32();
    if (drawn < evaluateBelow) roles[row] = splitRole.evaluate;
    else if (drawn < validateBelow) roles[row] = splitRole.validate;
  }
  return roles;
}

function splitByHash(split: HashSplit, table: Table): Uint8Array {
  const column = columnOf(table, split.key);
  const { evaluateBelow, validateBelow } = shareLimits(split);
  const roleOf = (key: string): SplitRole => {
    const hash = stableHash(key, split.seed);
    if (hash < evaluateBelow) return splitRole.evaluate;
    return hash < validateBelow ? splitRole.validate : splitRole.train;
  };
  const roles = new Uint8Array(table.rowCount);
  if (column.kind === "string") {
    const { codes, dictionary } = column;
    requirePresent(split.key, codes.length, (row) => codes[row]! >= 0);
    const rolesByCode = Uint8Array.from(dictionary, roleOf);
    for (let row = 0; row < codes.length; row++) roles[row] = rolesByCode[codes[row]!]!;
  } else {
    const { values } = column;
    requirePresent(split.key, values.length, (row) => !Number.isNaN(values[row]));
    // The text of a number, so that a key keeps its role when its column becomes a category.
    for (let row = 0; row < values.length; row++) roles[row] = roleOf(String(values[row]));
  }
  return roles;
}

function shareLimits(split: RandomSplit | HashSplit): { evaluateBelow: number; validateBelow: number } {
  const validateUpTo = split.evaluateShare + split.validateShare * (1 - split.evaluateShare);
  return { evaluateBelow: split.evaluateShare * 4_294_967_296, validateBelow: validateUpTo * 4_294_967_296 };
}

function splitByTime(split: TimeSplit, table: Table, timeColumn: string | undefined): Uint8Array {
  const name = split.column ?? timeColumn;
  if (name === undefined) {
    throw evaluationErrors.EVALUATION_NO_TIME_COLUMN.error(
      "the split goes by time, but neither the split nor the dataset names a time column",
      { hint: 'declare `time: "<column>"` on the dataset, or give the split a `column`' },
    );
  }
  const column = columnOf(table, name);
  if (column.kind !== "number") {
    throw evaluationErrors.EVALUATION_BAD_SPLIT_COLUMN.error(
      `the split goes by time, but column "${name}" holds strings`,
      { details: { column: name }, hint: `declare "${name}" as timestamp` },
    );
  }
  const times = column.values;
  requirePresent(name, times.length, (row) => !Number.isNaN(times[row]));

  const until = split.until === undefined ? Number.POSITIVE_INFINITY : parseIsoTime(split.until);
  const inUse = times.filter((time) => time < until).sort();
  const from = evaluationStart(split, inUse, times);
  const training = inUse.subarray(0, firstAtLeast(inUse, from));
  const validateFrom = split.validateShare === 0 ? from : cutTime(training, split.validateShare);

  const roles = new Uint8Array(times.length);
  for (let row = 0; row < times.length; row++) {
    const time = times[row]!;
    if (time >= until) roles[row] = splitRole.unused;
    else if (time >= from) roles[row] = splitRole.evaluate;
    else if (time >= validateFrom) roles[row] = splitRole.validate;
  }
  return roles;
}

/** Where evaluation starts. @throws EVALUATION_SPLIT_OUTSIDE_DATA when all rows in use lie on one side of it. */
function evaluationStart(split: TimeSplit, inUse: Float64Array, all: Float64Array): number {
  if (typeof split.evaluateFrom !== "string") return cutTime(inUse, split.evaluateFrom.share);
  const from = parseIsoTime(split.evaluateFrom);
  if (all.length === 0) return from;
  const first = inUse[0] ?? Number.POSITIVE_INFINITY;
  const last = inUse.at(-1) ?? Number.NEGATIVE_INFINITY;
  if (first < from && last >= from) return from;
  const { earliest, latest } = rangeOf(all);
  const range = `the rows run from ${timeText(earliest)} to ${timeText(latest)}`;
  const side =
    first >= from ? "no row is left to train on" : `no row is left to evaluate on${untilPhrase(split)}`;
  throw evaluationErrors.EVALUATION_SPLIT_OUTSIDE_DATA.error(
    `evaluation starts at ${split.evaluateFrom}, but ${range}: ${side}`,
    {
      details: {
        evaluateFrom: split.evaluateFrom,
        first: timeText(earliest),
        last: timeText(latest),
      },
      hint: "choose a time inside that range, or `evaluateFrom: { share: 0.2 }`",
    },
  );
}

function untilPhrase(split: TimeSplit): string {
  return split.until === undefined ? "" : ` before ${split.until}`;
}

function rangeOf(times: Float64Array): { earliest: number; latest: number } {
  let earliest = Number.POSITIVE_INFINITY;
  let latest = Number.NEGATIVE_INFINITY;
  for (const time of times) {
    if (time < earliest) earliest = time;
    if (time > latest) latest = time;
  }
  return { earliest, latest };
}

/**
 * The time from which on the latest `share` of the rows lies: of all cuts between two distinct times the one whose
 * share is nearest, the earlier one of two equally near. Infinity when all times are equal, so that nothing lies
 * after the cut.
 */
function cutTime(sorted: Float64Array, share: number): number {
  const wanted = sorted.length * (1 - share);
  const middle = sorted[Math.min(sorted.length - 1, Math.floor(wanted))];
  if (middle === undefined) return Number.POSITIVE_INFINITY;
  const before = firstAtLeast(sorted, middle);
  const after = firstAbove(sorted, middle);
  const nearestIsBefore = wanted - before <= after - wanted;
  if (before > 0 && (nearestIsBefore || after === sorted.length)) return middle;
  return sorted[after] ?? Number.POSITIVE_INFINITY;
}

function firstAtLeast(sorted: Float64Array, value: number): number {
  return lowerBound(sorted, (candidate) => candidate >= value);
}

function firstAbove(sorted: Float64Array, value: number): number {
  return lowerBound(sorted, (candidate) => candidate > value);
}

/** The first index at which `reached` holds, for a condition that stays true once it is. */
function lowerBound(sorted: Float64Array, reached: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function columnOf(table: Table, name: string): TableColumn {
  const column = table.columns.get(name);
  if (column === undefined) {
    throw evaluationErrors.EVALUATION_BAD_SPLIT_COLUMN.error(
      `the split goes by column "${name}", which the dataset does not have`,
      { details: { column: name, columns: [...table.columns.keys()] } },
    );
  }
  return column;
}

function requirePresent(name: string, rowCount: number, present: (row: number) => boolean): void {
  let missing = 0;
  let first = -1;
  for (let row = 0; row < rowCount; row++) {
    if (present(row)) continue;
    if (first < 0) first = row;
    missing++;
  }
  if (missing === 0) return;
  throw evaluationErrors.EVALUATION_SPLIT_VALUE_MISSING.error(
    `column "${name}" decides which rows are evaluated, but is missing in ${missing} of ${rowCount} rows, first in row ${first + 1}`,
    { details: { column: name, missing, rows: rowCount, firstRow: first + 1 } },
  );
}

function requireRows(split: SplitSpec, roles: Uint8Array): void {
  const counts = [0, 0, 0, 0];
  for (const role of roles) counts[role]!++;
  const [train = 0, validate = 0, evaluate = 0, unused = 0] = counts;
  const empty =
    train === 0
      ? "training"
      : evaluate === 0
        ? "evaluation"
        : split.validateShare > 0 && validate === 0
          ? "validation"
          : undefined;
  if (empty === undefined) return;
  const reason =
    split.by === "time" && train + validate + evaluate > 1
      ? " (rows of equal time are never separated)"
      : split.by === "hash" && train + validate + evaluate > 1
        ? " (rows of equal key are never separated)"
        : "";
  throw evaluationErrors.EVALUATION_EMPTY_SPLIT.error(
    `the split leaves no rows for ${empty}: of ${roles.length} rows ${train} train, ${validate} validate, ${evaluate} evaluate and ${unused} are unused${reason}`,
    {
      details: { empty, rows: roles.length, train, validate, evaluate, unused },
      hint:
        empty === "validation"
          ? "raise `validateShare`, or set it to 0 to train without early stopping"
          : "change the split, or bring more rows",
    },
  );
}
