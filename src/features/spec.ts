/** What a project may say about features: types, the table of operations and the check of an expression. No arithmetic. */
export { checkExpression } from "./check.ts";
export { allowedGlobals, exactMath, kernelMath } from "./custom/language-limits.ts";
export { featuresErrors } from "./errors.ts";
export {
  type CategoryLimits,
  type CustomExpression,
  type Expression,
  type FeatureSpec,
  kindOfColumn,
  type Op,
  type ValueKind,
  type WindowExpression,
  weekdays,
} from "./expression.ts";
export { columnsRead, customCalls, learnedOperation, windowsOf } from "./expression-nodes.ts";
export { checkFeatureName } from "./feature-name.ts";
export { signatures } from "./signatures.ts";
export {
  leastOverMs,
  mostKeys,
  mostOverMs,
  paneMsOf,
  type WindowSource,
  type WindowSpec,
  type WindowStatistic,
} from "./windows/window-spec.ts";
