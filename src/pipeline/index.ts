export { type Build, type BuildOptions, buildBundle } from "./build.ts";
export {
  type ImportOutcome,
  type ImportRecipe,
  type ImportRequest,
  importModel,
  reproduceImport,
} from "./import-model.ts";
export { type PredictedFile, type PredictFileRequest, predictFile } from "./predict-file.ts";
export type { Recipe } from "./recipe.ts";
export { type ReproduceRequest, type Reproduction, reproduceBundle } from "./reproduce.ts";
export {
  executeRun,
  type RunOutcome,
  type RunPorts,
  type RunRequest,
  type RunSnapshot,
  takeSnapshot,
} from "./run.ts";
export { type ReportRun, type RunEvent, type RunStep, runSteps } from "./run-event.ts";
export {
  type DatasetSnapshot,
  type ValidationReport,
  type ValidationRequest,
  validate,
  validateTaken,
} from "./validate.ts";
