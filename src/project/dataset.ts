import type { BadRowPolicy, DatasetChecks, SourceSpec } from "../datasets/spec.ts";
import { kindOfColumn } from "../features/spec.ts";
import type { ColumnType } from "../kernel/index.ts";
import { suggest } from "./closest-name.ts";
import { type ChecksOn, readChecks } from "./dataset-checks.ts";
import { projectErrors } from "./errors.ts";
import { markBuilt } from "./exported-spec.ts";
import type { CategoryColumn, Flag, Num, Text, Time } from "./language.ts";

/**
 * A column's type, and what is special about it. `known: "after"` marks what is only known later than the moment of
 * prediction, such as a label: no feature can read it. A column is `required` in the records sent for prediction
 * (if only as null) unless it says `required: false`.
 */
export type ColumnDeclaration =
  | ColumnType
  | { readonly type: ColumnType; readonly known?: "before" | "after"; readonly required?: boolean };

export type ColumnDeclarations = Readonly<Record<string, ColumnDeclaration>>;

export interface DatasetColumn {
  readonly type: ColumnType;
  readonly known: "before" | "after";
  readonly required?: boolean;
}

/** A dataset as plain data. */
export interface DatasetSpec extends BadRowPolicy {
  readonly kind: "dataset";
  readonly source: SourceSpec;
  readonly columns: Readonly<Record<string, DatasetColumn>>;
  readonly time?: string;
  readonly checks?: DatasetChecks;
}

declare const declared: unique symbol;
declare const timeColumn: unique symbol;

/** A dataset that remembers the types of its columns; at run time it is a `DatasetSpec` and nothing else. */
export interface Dataset<Columns extends ColumnDeclarations, TimeColumn extends string = never>
  extends DatasetSpec {
  readonly [declared]?: Columns;
  readonly [timeColumn]?: (time: TimeColumn) => void;
}

type TypeOf<Declaration> = Declaration extends { readonly type: infer Type } ? Type : Declaration;

interface ValueOfType {
  readonly int: Num;
  readonly float: Num;
  readonly bool: Flag;
  readonly timestamp: Time;
  readonly category: CategoryColumn;
  readonly text: Text;
}

type ValueOf<Declaration> =
  TypeOf<Declaration> extends infer Type extends ColumnType ? ValueOfType[Type] : never;

/** Every column of a dataset: what targets and weights may use. */
export type Row<Columns> = { readonly [Name in keyof Columns]: ValueOf<Columns[Name]> };

/** The columns that are known when a prediction is made: what features may use. */
export type Known<Columns> = {
  readonly [Name in keyof Columns as Columns[Name] extends { readonly known: "after" }
    ? never
    : Name]: ValueOf<Columns[Name]>;
};

export type ColumnName<Columns> = Extract<keyof Columns, string>;

/** The names of the columns that are times. */
export type TimeColumnName<Columns> = {
  readonly [Name in ColumnName<Columns>]: TypeOf<Columns[Name]> extends "timestamp" ? Name : never;
}[ColumnName<Columns>];

export interface DatasetOptions<Columns extends ColumnDeclarations, TimeColumn extends string> {
  /** Where the rows come from: `csv(…)`, `tsv(…)`, `ndjson(…)` or `parquet(…)`. */
  readonly source: SourceSpec;
  /** The columns that are ingested, in order; others in the files are left alone. */
  readonly columns: Columns;
  /** When each row happened: a timestamp column. */
  readonly time?: TimeColumn;
  /**
   * `"fail"` (the default): the first row that does not fit the columns stops the snapshot. `"quarantine"`: such rows are left
   * out and kept aside with their reasons (`slipway data rejects`), as long as they are few.
   */
  readonly onBadRow?: "fail" | "quarantine";
  /** With `quarantine`: the largest share of all rows that may be bad, from 0 to 1. Default 0.01; above it nothing is recorded. */
  readonly maxBadRowShare?: number;
  /** The limits that its rows must keep; see the guide to validation. */
  readonly checks?: ChecksOn<NoInfer<Columns>, NoInfer<TimeColumn>>;
}

/**
 * A named source of rows.
 *
 *     export const flights = dataset({
 *       source: parquet("data/flights-*.parquet"),
 *       columns: { date: "timestamp", delay: { type: "int", known: "after" }, distance: "int", origin: "category" },
 *       time: "date",
 *     });
 *
 * @throws PROJECT_BAD_DATASET or PROJECT_UNKNOWN_COLUMN
 */
export function dataset<
  const Columns extends ColumnDeclarations,
  const TimeColumn extends TimeColumnName<NoInfer<Columns>> = never,
>(options: DatasetOptions<Columns, TimeColumn>): Dataset<Columns, TimeColumn> {
  checkMembers(options, "dataset()", ["source", "columns", "time", "onBadRow", "maxBadRowShare", "checks"]);
  checkSource(options.source);
  const columns = readColumns(options.columns);
  const time: string | undefined = options.time;
  if (time !== undefined) checkTime(time, columns);
  const spec: DatasetSpec = {
    kind: "dataset",
    source: options.source,
    columns,
    ...(time === undefined ? {} : { time }),
    ...readBadRowPolicy(options),
    ...(options.checks === undefined ? {} : { checks: readChecks(options.checks, { columns, time }) }),
  };
  return markBuilt(spec);
}

function readBadRowPolicy({ onBadRow, maxBadRowShare }: BadRowPolicy): BadRowPolicy {
  if (onBadRow !== undefined && onBadRow !== "fail" && onBadRow !== "quarantine") {
    throw bad(`onBadRow must be "fail" or "quarantine", not ${JSON.stringify(onBadRow)}`, "onBadRow");
  }
  if (maxBadRowShare === undefined) return onBadRow === undefined ? {} : { onBadRow };
  if (onBadRow !== "quarantine") {
    throw bad('maxBadRowShare has a meaning only with onBadRow: "quarantine"', "maxBadRowShare");
  }
  if (typeof maxBadRowShare !== "number" || !(maxBadRowShare >= 0 && maxBadRowShare <= 1)) {
    throw bad(
      `maxBadRowShare must be a share from 0 to 1, not ${JSON.stringify(maxBadRowShare)}`,
      "maxBadRowShare",
      "0.01 is one row of a hundred",
    );
  }
  return { onBadRow, maxBadRowShare };
}

function checkMembers(given: unknown, what: string, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) throw bad(`${what} takes one object of options`, what);
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw bad(`${what} has no option "${name}"`, name, suggest(name, known));
  }
}

function checkSource(source: unknown): void {
  const hint = `write csv("data/*.csv"), tsv(…), ndjson(…) or parquet(…)`;
  if (typeof source !== "object" || source === null || !("glob" in source) || !("format" in source)) {
    throw bad(
      "the source of a dataset is missing or was not made by csv(), tsv(), ndjson() or parquet()",
      "source",
      hint,
    );
  }
  const globs: readonly unknown[] = Array.isArray(source.glob) ? source.glob : [source.glob];
  if (globs.length === 0 || globs.some((glob) => typeof glob !== "string" || glob === "")) {
    throw bad("the source of a dataset names no files", "source", hint);
  }
}

function readColumns(columns: ColumnDeclarations): Record<string, DatasetColumn> {
  if (typeof columns !== "object" || columns === null || Object.keys(columns).length === 0) {
    throw bad(
      "a dataset must declare its columns",
      "columns",
      `columns: { price: "float", city: "category" }`,
    );
  }
  return Object.fromEntries(
    Object.entries(columns).map(([name, declaration]) => [name, readColumn(name, declaration)]),
  );
}

function readColumn(name: string, declaration: ColumnDeclaration): DatasetColumn {
  if (name === "" || !name.isWellFormed()) {
    throw bad(`${JSON.stringify(name)} cannot be the name of a column`, name.toWellFormed());
  }
  const given = typeof declaration === "string" ? { type: declaration } : declaration;
  checkMembers(given, `column "${name}"`, ["type", "known", "required"]);
  const { type, known = "before", required } = given;
  if (typeof type !== "string" || !Object.hasOwn(kindOfColumn, type)) {
    throw bad(
      `column "${name}" has the type ${JSON.stringify(type)}`,
      name,
      suggest(String(type), Object.keys(kindOfColumn)),
    );
  }
  if (known !== "before" && known !== "after") {
    throw bad(`column "${name}": known must be "before" or "after"`, name);
  }
  if (required !== undefined && typeof required !== "boolean") {
    throw bad(`column "${name}": required must be true or false`, name);
  }
  return { type, known, ...(required === undefined ? {} : { required }) };
}

function checkTime(time: string, columns: Readonly<Record<string, DatasetColumn>>): void {
  const column = Object.hasOwn(columns, time) ? columns[time] : undefined;
  if (column === undefined) {
    throw projectErrors.PROJECT_UNKNOWN_COLUMN.error(`time: the dataset has no column "${time}"`, {
      details: { column: time },
      hint: suggest(time, Object.keys(columns)),
    });
  }
  if (column.type !== "timestamp")
    throw bad(`time: column "${time}" is a ${column.type}, not a timestamp`, "time");
}

function bad(message: string, option: string, hint?: string): Error {
  return projectErrors.PROJECT_BAD_DATASET.error(message, {
    details: { option },
    ...(hint === undefined ? {} : { hint }),
  });
}
