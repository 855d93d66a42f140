import { assertNever, type ColumnType } from "../kernel/index.ts";
import { checkExpression } from "./check.ts";
import { columnsRead } from "./expression-nodes.ts";
import { type Json, readObject, refusePlan } from "./plan-reader.ts";
import { readWindowSpec } from "./windows/window-check.ts";
import { type WindowSpec, type WindowStatistic, windowStatistics } from "./windows/window-spec.ts";

/** A column that is no field of a record: somebody computes it first and hands it to the kernel beside the record. */
export interface DerivedColumn {
  /** Different from the names of all columns. */
  readonly name: string;
  /** What its values are to the kernel. */
  readonly type: "float";
  readonly from: Derivation;
}

/** How the values of a derived column come about. Like operations, kinds never change their meaning. */
export type Derivation = WindowDerivation;

/** What one of the windows says about the past of a row. */
export interface WindowDerivation {
  readonly kind: "window";
  readonly window: WindowSpec;
  readonly statistic: WindowStatistic;
}

/** The columns of a record that a derived column is made of. */
export function columnsOfDerivation(from: Derivation): readonly string[] {
  switch (from.kind) {
    case "window": {
      const { time, of, by } = from.window;
      const later = of.from === "label" ? of.columns.map(({ name }) => name) : [];
      const expressions = of.from === "rows" ? by : [...by, of.expression];
      const read = [time, ...expressions.flatMap((expression) => [...columnsRead(expression)])];
      return [...new Set(read)].filter((name) => !later.includes(name));
    }
    default:
      return assertNever(from.kind);
  }
}

/**
 * Reads a derivation as foreign JSON.
 *
 * @param columns the columns of a record
 * @throws FEATURES_BAD_PLAN
 */
export function readDerivation(
  given: Json,
  where: string,
  columns: Readonly<Record<string, ColumnType>>,
): Derivation {
  const kind: Json = typeof given === "object" && given !== null && "kind" in given ? given.kind : undefined;
  switch (kind) {
    case "window": {
      const own = readObject(given, where, ["kind", "window", "statistic"]);
      const statistic = windowStatistics.find((name) => name === own.statistic);
      if (statistic === undefined) throw refusePlan("has an unknown statistic", where);
      return {
        kind,
        window: readWindowSpec(own.window, `${where}.window`, { columns, kindOf: checkExpression }),
        statistic,
      };
    }
    default:
      throw refusePlan("is of an unknown kind", where);
  }
}
