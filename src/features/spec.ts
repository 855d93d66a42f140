/** What a project may say about features: types, the table of operations and the check of an expression. No arithmetic. */
export { checkExpression } from "./check.ts";
export { featuresErrors } from "./errors.ts";
export {
  type CategoryLimits,
  type Expression,
  type FeatureSpec,
  kindOfColumn,
  type Op,
  type ValueKind,
  weekdays,
} from "./expression.ts";
export { columnsRead, learnedOperation } from "./expression-nodes.ts";
export { checkFeatureName } from "./feature-name.ts";
export { signatures } from "./signatures.ts";
