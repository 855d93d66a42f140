export { checkExpression } from "./check.ts";
export { compilePlan, type FeatureKernel } from "./compile.ts";
export { featuresErrors } from "./errors.ts";
export type { Expression, FeatureSpec, ValueKind } from "./expression.ts";
export { evaluateExpression, type FitOptions, type FittedPlan, fitPlan } from "./fit.ts";
export { type IdentityColumn, identityPlan } from "./identity-plan.ts";
export { type FeaturePlan, planFormat } from "./plan.ts";
export { featuresReference } from "./reference-page.ts";
export { signatures } from "./signatures.ts";
