export { programDigest, sealTrainer } from "./command/seal-trainer.ts";
export type { ProgramPorts } from "./command/train-command.ts";
export { trainingErrors } from "./errors.ts";
export { type ForeignModel, readForeignModel } from "./foreign/foreign-model.ts";
export { matchCategories } from "./foreign/match-categories.ts";
export {
  type CommandOptions,
  type CommandSpec,
  command,
  type FtrlOptions,
  type FtrlSpec,
  ftrl,
  type GbdtOptions,
  type GbdtSpec,
  gbdt,
  type PretrainedOptions,
  type PretrainedSpec,
  pretrained,
  type SealedCommandSpec,
  type SealedPretrainedSpec,
  type SealedTrainerSpec,
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
