import type { ColumnType } from "../kernel/index.ts";
import { suggest } from "./closest-name.ts";
import type { DatasetSpec, Known, Row } from "./dataset.ts";
import { projectErrors } from "./errors.ts";
import type { Value } from "./language.ts";
import { valueFor } from "./values.ts";

/** The argument of targets and weights: all columns. */
export function rowColumns<Columns>(from: DatasetSpec): Row<Columns> {
  return columnValues(from, true) as Row<Columns>;
}

/** The argument of `features`: without what is known only later. */
export function knownColumns<Columns>(from: DatasetSpec): Known<Columns> {
  return columnValues(from, false) as Known<Columns>;
}

/**
 * A name that is not there is an error with a suggestion rather than `undefined`: configs may be plain JavaScript. Only
 * the columns are there, so that one called `constructor` is a column too.
 */
function columnValues(from: DatasetSpec, withLater: boolean): object {
  const types: Record<string, ColumnType> = Object.fromEntries(
    Object.entries(from.columns).map(([name, { type }]) => [name, type]),
  );
  const names = Object.keys(from.columns).filter(
    (name) => withLater || from.columns[name]!.known === "before",
  );
  const values = new Map<string, Value>(names.map((name) => [name, valueFor({ op: "column", name }, types)]));
  return new Proxy(Object.create(null), {
    get: (_, name) => {
      if (typeof name === "symbol") return undefined;
      const value = values.get(name);
      if (value !== undefined) return value;
      if (Object.hasOwn(types, name)) {
        throw projectErrors.PROJECT_LEAK.error(
          `column "${name}" is known only after the prediction; no feature can read it`,
          { details: { column: name }, hint: `it is declared with known: "after"` },
        );
      }
      throw projectErrors.PROJECT_UNKNOWN_COLUMN.error(`the dataset has no column "${name}"`, {
        details: { column: name },
        hint: suggest(name, names),
      });
    },
    has: (_, name) => typeof name === "string" && values.has(name),
  });
}
