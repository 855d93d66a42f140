import { type ColumnType, SlipwayError, type Table } from "../kernel/index.ts";
import { checkExpression } from "./check.ts";
import { compilePlan } from "./compile.ts";
import type { CustomFunctions } from "./custom/custom-functions.ts";
import { withCustomColumns } from "./custom/training-columns.ts";
import { featuresErrors } from "./errors.ts";
import type { Expression, FeatureSpec } from "./expression.ts";
import { checkFeatureName } from "./feature-name.ts";
import { createLowering, lowerFeature } from "./lower.ts";
import { scalar } from "./lowered.ts";
import type { FeaturePlan } from "./plan.ts";
import { drawFolds } from "./training-rows.ts";

export interface FitOptions {
  /** One value for each row, NaN where it is not known. Needed by target encodings only; classes have none. */
  readonly target?: Float64Array;
  /** Draws the folds of out-of-fold encodings. */
  readonly seed: number;
  /** Weights of the rows in target encodings; all other statistics count rows. */
  readonly weights?: Float64Array;
  /** Wanted where features are custom functions. */
  readonly functions?: CustomFunctions | undefined;
}

export interface FittedPlan {
  readonly plan: FeaturePlan;
  /** For each training row the fold it is in: what `evaluateTable` wants when it makes the training matrix. */
  readonly folds: Int32Array;
}

/**
 * Learns what the features need from the training rows, which must be those of the training split alone. Arguments are
 * learned before what is made of them, and every intermediate value is computed by the kernel itself.
 *
 * @throws FEATURES_* naming the feature
 */
export function fitPlan(spec: FeatureSpec, table: Table, options: FitOptions): FittedPlan {
  const features = Object.entries(spec.features);
  for (const [name, expression] of features) {
    checkFeatureName(name);
    namingFeature(name, () => checkIsFeature(expression, spec.columns));
  }
  for (const [what, values] of Object.entries({ target: options.target, weights: options.weights })) {
    if (values === undefined || values.length === table.rowCount) continue;
    throw featuresErrors.FEATURES_BAD_TABLE.error(
      `there are ${values.length} ${what} values for ${table.rowCount} rows`,
    );
  }
  const folds = drawFolds(table.rowCount, options.seed);
  const { functions } = options;
  const expressions = Object.values(spec.features);
  const rows = withCustomColumns(table, { expressions, columns: spec.columns, functions });
  const lowering = createLowering({
    columns: spec.columns,
    optional: spec.optional ?? [],
    expressions,
    training: { table: rows, target: options.target, weights: options.weights, folds, functions },
  });
  for (const [name, expression] of features) {
    lowering.builder.output(namingFeature(name, () => lowerFeature(name, expression, lowering)));
  }
  return { plan: lowering.builder.build(), folds };
}

function checkIsFeature(expression: Expression, columns: Readonly<Record<string, ColumnType>>): void {
  const kind = checkExpression(expression, columns);
  if (kind !== "time" && kind !== "text") return;
  throw featuresErrors.FEATURES_BAD_EXPRESSION.error(`a ${kind} is not a feature by itself`, {
    hint:
      kind === "time"
        ? "take a part of it, such as hourOfDay()"
        : "count or hash its words, such as wordsHashed(256)",
  });
}

function namingFeature<Result>(name: string, act: () => Result): Result {
  try {
    return act();
  } catch (thrown) {
    if (!(thrown instanceof SlipwayError)) throw thrown;
    const { code, kind, details, hint } = thrown;
    throw new SlipwayError(code, { kind, doc: "" }, `feature "${name}": ${thrown.message}`, {
      details: { ...details, feature: name },
      cause: thrown,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/**
 * A number or flag computed for every row without learning anything: targets and weights. Flags are 0 and 1; NaN is
 * missing. Any column may be read.
 *
 * @throws FEATURES_BAD_EXPRESSION when the expression learns from rows or is neither a number nor a flag
 */
export function evaluateExpression(
  expression: Expression,
  columns: Readonly<Record<string, ColumnType>>,
  table: Table,
): Float64Array {
  const kind = checkExpression(expression, columns);
  if (kind !== "number" && kind !== "flag") {
    throw featuresErrors.FEATURES_BAD_EXPRESSION.error(
      `a target or weight must be a number or a flag, not a ${kind}`,
    );
  }
  const lowering = createLowering({ columns, optional: [], expressions: [expression], training: undefined });
  const plan = lowering.builder.planOf(scalar(lowering, expression));
  return compilePlan(plan).evaluateTable(table).values[0]!;
}
