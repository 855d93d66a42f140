import type { Table } from "../../kernel/index.ts";
import { cliErrors } from "../errors.ts";
import { formatCount } from "../format-values.ts";
import { printable } from "../terminal.ts";
import type { ColumnFacts } from "./column-facts.ts";
import { access, quote } from "./source-code.ts";
import { describeStrays, type StrayPlaces } from "./strays.ts";

/** What is to be predicted, decided from the values of the target column. */
export interface TargetDraft {
  readonly column: string;
  readonly task: "binary" | "regression" | "multiclass";
  /** A regression whose target looks like counts, 0, 1, 2, …: learned as such. */
  readonly counts?: true;
  /** Code of the expression in `target: (row) => …`. */
  readonly code: string;
  /** The question the model answers: `Is Churn "Yes"?` */
  readonly question: string;
  /** `1,869 × "Yes", 5,174 × "No"` */
  readonly values: string;
  /** The target of each row as the model learns it: 0 or 1, the number, or some number for each class. */
  readonly labels: Float64Array;
}

export interface TargetChoice {
  readonly column: string;
  /** The value that counts as yes, where the user named one. */
  readonly positive: string | undefined;
  /** Where the first row without a target stands, for the message: `line 12 of data.csv`. */
  readonly firstMissing: string;
  readonly strayPlaces: StrayPlaces;
}

/** Values that mean yes wherever they stand beside another. */
const YES = new Set(["yes", "y", "true", "t", "1", "positive", "pos"]);

/**
 * @throws CLI_NO_SUCH_COLUMN, CLI_BAD_TARGET for a target with missing values, of one value, or of a type that nothing
 *   can be learned from
 */
export function draftTarget(
  columns: readonly ColumnFacts[],
  table: Table,
  choice: TargetChoice,
): TargetDraft {
  const facts = requireColumn(columns, choice.column, "--target");
  refuseUnlearnable(facts, choice);
  const name = facts.name;
  const values = facts.top
    .map(({ value, count }) => `${formatCount(count)} × ${shown(facts, value)}`)
    .join(", ");
  const isText = facts.type === "category" || facts.type === "text";
  if (isText && facts.distinct > 2 && choice.positive === undefined) {
    return {
      column: name,
      task: "multiclass",
      code: access("row", name),
      question: `Which of its ${formatCount(facts.distinct)} values is ${name}?`,
      values,
      labels: classNumbers(table, name),
    };
  }
  if (isText) {
    const positive = positiveCategory(facts, choice.positive);
    return {
      column: name,
      task: "binary",
      code: `${access("row", name)}.is(${quote(positive)})`,
      question: `Is ${name} ${JSON.stringify(positive)}?`,
      values,
      labels: categoryLabels(table, name, positive),
    };
  }
  const numbers = numbersOf(table, name);
  if (facts.type === "bool") {
    const negated = choice.positive !== undefined && positiveNumber(facts, choice.positive) === 0;
    return {
      column: name,
      task: "binary",
      code: `${access("row", name)}${negated ? ".not()" : ""}`,
      question: `Is ${name} ${negated ? "false" : "true"}?`,
      values,
      labels: numbers.map((value) => (negated ? 1 - value : value)),
    };
  }
  if (choice.positive !== undefined || (facts.distinct === 2 && facts.type === "int")) {
    const positive =
      choice.positive === undefined ? facts.range!.max : positiveNumber(facts, choice.positive);
    const highest = positive === facts.range!.max;
    return {
      column: name,
      task: "binary",
      code: `${access("row", name)}.${highest && facts.distinct === 2 ? "atLeast" : "equals"}(${positive})`,
      question: `Is ${name} ${positive}?`,
      values,
      labels: numbers.map((value) => (value === positive ? 1 : 0)),
    };
  }
  const { min, max } = facts.range!;
  if (areCodes(facts)) {
    return {
      column: name,
      task: "multiclass",
      code: `classes(${access("row", name)})`,
      question: `Which of its ${formatCount(facts.distinct)} values is ${name}?`,
      values,
      labels: numbers,
    };
  }
  return {
    column: name,
    task: "regression",
    ...(facts.type === "int" && areCounts(numbers, min) ? { counts: true } : {}),
    code: access("row", name),
    question: `What is ${name}?`,
    values: `${formatNumber(min)} to ${formatNumber(max)}`,
    labels: numbers,
  };
}

/** @throws CLI_NO_SUCH_COLUMN naming the nearest column */
export function requireColumn(columns: readonly ColumnFacts[], name: string, option: string): ColumnFacts {
  const facts = columns.find((column) => column.name === name);
  if (facts !== undefined) return facts;
  const names = columns.map((column) => column.name);
  const near = nearest(name, names);
  throw cliErrors.CLI_NO_SUCH_COLUMN.error(`${option}: there is no column "${printable(name)}"`, {
    details: { column: name, columns: names },
    hint:
      near === undefined
        ? `columns: ${names.map(printable).join(", ")}`
        : `did you mean "${printable(near)}"?`,
  });
}

function refuseUnlearnable(facts: ColumnFacts, { firstMissing, positive, strayPlaces }: TargetChoice): void {
  const bad = (message: string, hint: string): Error =>
    cliErrors.CLI_BAD_TARGET.error(message, { details: { column: facts.name }, hint });
  const name = `the target "${printable(facts.name)}"`;
  if (facts.missing === facts.rows)
    throw bad(`${name} has no values at all`, "choose another column with --target");
  if (facts.missing > 0) {
    throw bad(
      `${name} is missing in ${formatCount(facts.missing)} of ${formatCount(facts.rows)} rows, first in ${firstMissing}`,
      "a row without its target teaches nothing: write a copy of the file without these rows and use that",
    );
  }
  if (facts.distinct === 1) {
    throw bad(
      `${name} is ${shown(facts, facts.top[0]!.value)} in all ${formatCount(facts.rows)} rows: there is nothing to learn`,
      "choose a column whose values differ, or add rows of the other kind",
    );
  }
  if (facts.type === "timestamp")
    throw bad(`${name} is a time`, "choose a number, or a column of two values");
  const strays = describeStrays(facts, strayPlaces);
  if (strays !== undefined && positive === undefined) {
    throw bad(`${name} cannot be used as it is`, strays);
  }
  const isText = facts.type === "category" || facts.type === "text";
  const tooMany = facts.distinct > MOST_CLASSES || facts.distinct * ROWS_PER_CLASS > facts.rows;
  if (isText && facts.distinct > 2 && tooMany && positive === undefined) {
    const first = facts.top[0]!.value;
    const many = facts.distinct > facts.top.length ? ", …" : "";
    throw bad(
      `${name} has ${formatCount(facts.distinct)} different values (${facts.top
        .slice(0, 5)
        .map(({ value }) => shown(facts, value))
        .join(", ")}${many}) in ${formatCount(facts.rows)} rows, too many to be classes`,
      `say which value to predict: --positive ${JSON.stringify(printable(first))}; or group them afterwards: target: (row) => classes({ … }, "other")`,
    );
  }
}

/** More values than this, or fewer rows for each, are hardly classes that a first model should tell apart. */
const MOST_CLASSES = 50;
const ROWS_PER_CLASS = 5;
const MOST_CODES = 20;
const CODE_NAME =
  /(?:^|[_\s-])(?:class|label|category|type|kind|species|group|segment|grade|target|digit)(?:$|[_\s-]?(?:id|code)?$)/i;

/** Whole numbers that by their name are codes of classes rather than a quantity. */
function areCodes(facts: ColumnFacts): boolean {
  return (
    facts.type === "int" &&
    facts.distinct <= MOST_CODES &&
    facts.distinct * ROWS_PER_CLASS <= facts.rows &&
    CODE_NAME.test(facts.name.replace(/([a-z])([A-Z])/g, "$1_$2"))
  );
}

/** Whole numbers from 0 or 1 up that spread at least about as counts do, with the long side above. */
function areCounts(values: Float64Array, least: number): boolean {
  if (least < 0 || least > 1) return false;
  const sorted = values.toSorted();
  const median = sorted[sorted.length >>> 1]!;
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const variance = sorted.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / sorted.length;
  return mean >= median && variance >= mean / 2;
}

/** The value that counts as yes: the one asked for, one that says so, else the rarer. */
function positiveCategory(facts: ColumnFacts, wanted: string | undefined): string {
  const values = facts.top.map(({ value }) => value);
  if (wanted === undefined)
    return values.find((value) => YES.has(value.trim().toLowerCase())) ?? values.at(-1)!;
  const found =
    values.find((value) => value === wanted) ?? values.find((value) => value.trim() === wanted.trim());
  if (found !== undefined) return found;
  if (facts.distinct > values.length) return wanted;
  throw noSuchValue(facts, wanted);
}

function positiveNumber(facts: ColumnFacts, wanted: string): number {
  const spelled =
    facts.type === "bool" ? wanted.toLowerCase().replace("true", "1").replace("false", "0") : wanted;
  const found = facts.top.find(({ value }) => Number(value) === Number(spelled));
  if (found !== undefined && spelled.trim() !== "") return Number(found.value);
  throw noSuchValue(facts, wanted);
}

function noSuchValue(facts: ColumnFacts, wanted: string): Error {
  return cliErrors.CLI_BAD_TARGET.error(
    `--positive: "${printable(facts.name)}" is never ${JSON.stringify(wanted)}`,
    {
      details: { column: facts.name, value: wanted },
      hint: `its values: ${facts.top.map(({ value }) => shown(facts, value)).join(", ")}`,
    },
  );
}

function categoryLabels(table: Table, name: string, positive: string): Float64Array {
  const column = table.columns.get(name);
  if (column?.kind !== "string") throw new Error(`${name} is not a string column`);
  const yes = column.dictionary.indexOf(positive);
  return Float64Array.from(column.codes, (code) => (code === yes ? 1 : 0));
}

function classNumbers(table: Table, name: string): Float64Array {
  const column = table.columns.get(name);
  if (column?.kind !== "string") throw new Error(`${name} is not a string column`);
  return Float64Array.from(column.codes);
}

function numbersOf(table: Table, name: string): Float64Array {
  const column = table.columns.get(name);
  if (column?.kind !== "number") throw new Error(`${name} is not a number column`);
  return column.values;
}

/** A value as it is spoken of: booleans by name, texts in quotes. */
export function shown(facts: ColumnFacts, value: string): string {
  if (facts.type === "bool") return value === "1" ? "true" : "false";
  if (facts.type === "category" || facts.type === "text") return JSON.stringify(printable(value));
  return formatNumber(Number(value));
}

/** As one would write it in the file: 201440 may be a week as well as a quantity. */
export function formatNumber(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
}

/** The name that differs least in its letters, if it is near at all. */
export function nearest(wanted: string, names: readonly string[]): string | undefined {
  const reduced = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const scored = names.map((name) => ({ name, distance: editDistance(reduced(wanted), reduced(name)) }));
  const best = scored.toSorted((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(wanted.length / 3))
    ? best.name
    : undefined;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
