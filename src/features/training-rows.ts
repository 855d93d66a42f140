import { createRandom, type Table } from "../kernel/index.ts";
import { compilePlan } from "./compile.ts";
import type { CustomFunctions } from "./custom/custom-functions.ts";
import { featuresErrors } from "./errors.ts";
import { foldCount } from "./plan.ts";
import type { PlanBuilder, ValueId } from "./plan-builder.ts";

/** What a plan is fitted on: the training split. */
export interface TrainingRows {
  readonly table: Table;
  readonly target: Float64Array | undefined;
  readonly weights: Float64Array | undefined;
  /** The out-of-fold slot of each row. */
  readonly folds: Int32Array;
  readonly functions: CustomFunctions | undefined;
}

/** A fold for each row from the seed alone. */
export function drawFolds(rowCount: number, seed: number): Int32Array {
  const random = createRandom(seed).fork("features/folds");
  const folds = new Int32Array(rowCount);
  for (let row = 0; row < rowCount; row++) folds[row] = random.integer(foldCount);
  return folds;
}

/** A value of an unfinished plan on every training row, computed by the kernel itself. */
export function valuesOnTraining(builder: PlanBuilder, rows: TrainingRows, value: ValueId): Float64Array {
  const matrix = compilePlan(builder.planOf(value), rows.functions).evaluateTable(rows.table, {
    folds: rows.folds,
  });
  return matrix.values[0]!;
}

/** The texts of a category column by how many rows have them, then by code units; missing rows are not counted. */
export function countTexts(table: Table, name: string): { text: string; count: number }[] {
  const column = table.columns.get(name);
  if (column?.kind !== "string") {
    throw featuresErrors.FEATURES_BAD_TABLE.error(`the table has no column "${name}" of strings`, {
      details: { column: name },
    });
  }
  const byCode = new Float64Array(column.dictionary.length);
  for (let row = 0; row < table.rowCount; row++) {
    const code = column.codes[row]!;
    if (code >= 0) byCode[code] = byCode[code]! + 1;
  }
  const counts = new Map<string, number>();
  for (const [code, text] of column.dictionary.entries()) {
    if (byCode[code]! === 0) continue;
    const known = text.toWellFormed();
    counts.set(known, (counts.get(known) ?? 0) + byCode[code]!);
  }
  return [...counts]
    .map(([text, count]) => ({ text, count }))
    .sort((a, b) => b.count - a.count || compareCodeUnits(a.text, b.text));
}

export function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
