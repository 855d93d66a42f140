export { trainingErrors } from "./errors.ts";
export {
  type FtrlOptions,
  type FtrlSpec,
  ftrl,
  type GbdtOptions,
  type GbdtSpec,
  gbdt,
  type TrainerSpec,
} from "./spec.ts";
export {
  type FeatureImportance,
  type TrainedModel,
  type TrainingData,
  type TrainingOptions,
  type TrainingProgress,
  type TrainingSet,
  trainModel,
} from "./trainer.ts";
