export { checkExpression } from "./check.ts";
export { type ClassValues, evaluateClasses } from "./class-values.ts";
export { compilePlan, type FeatureKernel, inputsOfPlan } from "./compile.ts";
export { type CustomFunctions, type CustomValue, openCustomFunctions } from "./custom/custom-functions.ts";
export { checkPurity } from "./custom/purity.ts";
export type { Derivation, DerivedColumn, WindowDerivation } from "./derivation.ts";
export { derivedColumns } from "./derived-columns.ts";
export { featuresErrors } from "./errors.ts";
export type { Expression, FeatureSpec, ValueKind } from "./expression.ts";
export { evaluateExpression, type FitOptions, type FittedPlan, fitPlan } from "./fit.ts";
export { type IdentityColumn, identityPlan } from "./identity-plan.ts";
export { type FeaturePlan, planFormat } from "./plan.ts";
export { featuresReference } from "./reference-page.ts";
export { signatures } from "./signatures.ts";
export { streamTable, type TableStream, type TableStreamOptions } from "./windows/window-columns.ts";
export type { LabelEvent, RowEvent, WindowEvent } from "./windows/window-event.ts";
export { type Feedback, type WindowProgram, windowProgram } from "./windows/window-program.ts";
export {
  type LabelColumn,
  targetName,
  type WindowSource,
  type WindowSpec,
  type WindowStatistic,
} from "./windows/window-spec.ts";
export { type WindowPlaces, WindowState } from "./windows/window-state.ts";
