import type { ColumnType, FeatureColumn, FeatureMatrix, Table } from "../kernel/index.ts";
import { customCall } from "./custom/custom-column.ts";
import type { CustomFunctions } from "./custom/custom-functions.ts";
import type { DerivedColumn } from "./derivation.ts";
import { featuresErrors } from "./errors.ts";
import { generateProgram, type Layout, layoutOf } from "./generated-code.ts";
import { type FeaturePlan, outputNames } from "./plan.ts";
import { type CheckedPlan, checkPlan } from "./plan-check.ts";
import { generateRecordProgram } from "./record-reader.ts";
import { createTableReader } from "./table-slots.ts";

/** A compiled feature plan. Not re-entrant across threads; compile one for each. */
export interface FeatureKernel {
  /**
   * The raw columns the plan reads. A required field must be in every record, if only as null; others may be left out.
   */
  readonly inputs: readonly {
    readonly name: string;
    readonly type: ColumnType;
    readonly required: boolean;
  }[];
  /** What must be handed over beside a record or stand among the columns of a table, in order; mostly nothing. */
  readonly derived: readonly DerivedColumn[];
  readonly outputs: readonly FeatureColumn[];
  /**
   * @param table with a column for each derived column of the plan, under its name
   * @param options `folds`: for each row the fold of out-of-fold encodings it is in, as `fitPlan` gave it for training
   * rows; without it every row sees what all training rows say
   * @throws FEATURES_BAD_TABLE
   */
  evaluateTable(table: Table, options?: { readonly folds?: Int32Array }): FeatureMatrix;
  /**
   * One JSON-decoded record into `out`, bit for bit what `evaluateTable` gives for the same row. Fields the plan does
   * not read are ignored. When it throws, `out` is as it was.
   *
   * @param derived the values of the derived columns, NaN where missing; not looked at where the plan has none
   * @throws FEATURES_MISSING_FIELD or FEATURES_BAD_FIELD with details `{ field, expected, got }`
   */
  evaluateRecord(
    record: Readonly<Record<string, unknown>>,
    out: Float64Array,
    derived?: ArrayLike<number>,
  ): void;
}

/** Slots and outputs of a block should stay in the second-level cache: 64 Ki doubles. */
const BLOCK_DOUBLES = 65_536;

/**
 * Compiles a plan. The plan is treated as foreign: whatever it holds, only named primitives run, and the custom functions
 * that it is given.
 *
 * @throws FEATURES_BAD_PLAN, FEATURES_BAD_CODE when a custom function is not there
 */
export function compilePlan(plan: FeaturePlan, functions?: CustomFunctions): FeatureKernel {
  const checked = checkPlan(plan);
  const calls = checked.custom.map((column) =>
    customCall(
      column,
      column.reads.map((place) => checked.columns[place]!.type),
      functions,
    ),
  );
  const layout = layoutOf(checked);
  const outputs = columnsOf(checked);
  const program = generateProgram(checked, layout);
  const reader = createTableReader(checked, { layout, calls });
  const stride = strideOf(layout);
  let blockSlots: Float64Array | undefined;
  let blockOutputs: Float64Array | undefined;

  const evaluateTable: FeatureKernel["evaluateTable"] = (table, options = {}) => {
    const fill = reader.open(table, options.folds);
    blockSlots ??= new Float64Array(layout.slotWidth * stride);
    blockOutputs ??= new Float64Array(layout.outputWidth * stride);
    const values = outputs.map(() => new Float64Array(table.rowCount));
    for (let start = 0; start < table.rowCount; start += stride) {
      const rows = Math.min(stride, table.rowCount - start);
      fill(blockSlots, { start, rows, stride });
      program(blockSlots, blockOutputs, stride, rows);
      for (let at = 0; at < values.length; at++) {
        values[at]!.set(blockOutputs.subarray(at * stride, at * stride + rows), start);
      }
    }
    return { rowCount: table.rowCount, columns: outputs, values };
  };

  return {
    ...inputsOf(checked),
    outputs,
    evaluateTable,
    evaluateRecord: generateRecordProgram(checked, layout, { evaluateRows: program, calls }),
  };
}

/**
 * What a plan reads, without what it computes of it.
 *
 * @throws FEATURES_BAD_PLAN
 */
export function inputsOfPlan(plan: FeaturePlan): Pick<FeatureKernel, "inputs" | "derived"> {
  return inputsOf(checkPlan(plan));
}

function inputsOf({ columns, derived }: CheckedPlan): Pick<FeatureKernel, "inputs" | "derived"> {
  return {
    inputs: columns.map(({ name, type, optional }) => ({ name, type, required: optional !== true })),
    derived,
  };
}

function columnsOf(plan: CheckedPlan): FeatureColumn[] {
  const columns = plan.outputs.flatMap((output): FeatureColumn[] => {
    if (output.kind === "categorical") {
      return [{ name: output.name, kind: "categorical", cardinality: output.cardinality }];
    }
    const slot = plan.slots[output.value];
    const buckets = slot?.read === "words" ? slot.buckets : 0;
    return outputNames(output, buckets).map((name) => ({ name, kind: "numeric", cardinality: 0 }));
  });
  const names = new Set(columns.map((column) => column.name));
  if (names.size !== columns.length) {
    throw featuresErrors.FEATURES_BAD_PLAN.error("feature plan: two outputs have the same name", {
      details: { where: "outputs" },
    });
  }
  return columns;
}

/**
 * An odd number of cache lines, so that the columns of a block do not all fall on the same lines of the cache.
 */
function strideOf(layout: Layout): number {
  const width = Math.max(1, layout.slotWidth + layout.outputWidth);
  const lines = Math.max(1, Math.min(128, Math.floor(BLOCK_DOUBLES / width / 8)));
  return (lines % 2 === 0 ? lines - 1 : lines) * 8;
}
