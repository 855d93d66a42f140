/** The package `slipway` as a project's config imports it. */
export { csv, ndjson, parquet, type SourceSpec, tsv } from "../datasets/spec.ts";
export { byRandom, type GateSpec, type MetricName, type SplitSpec, type Task } from "../evaluation/spec.ts";
export type { Expression } from "../features/spec.ts";
export type { EmbeddingOptions } from "../images/spec.ts";
export {
  type CommandOptions,
  command,
  type FtrlOptions,
  ftrl,
  type GbdtOptions,
  gbdt,
  type PretrainedOptions,
  pretrained,
  type TrainerSpec,
} from "../training/spec.ts";
export { type Acceptance, acceptChanges } from "./accept-changes.ts";
export { type CustomOptions, type CustomRead, custom } from "./custom.ts";
export { type CustomSource, compileCustomCode } from "./custom-code.ts";
export {
  type ColumnDeclaration,
  type ColumnDeclarations,
  type Dataset,
  type DatasetColumn,
  type DatasetSpec,
  dataset,
} from "./dataset.ts";
export type { ChecksOn } from "./dataset-checks.ts";
export { projectErrors } from "./errors.ts";
export { type ImageDeclaration, image } from "./image-column.ts";
export type {
  Cat,
  CategoryColumn,
  EmbeddedImage,
  Feature,
  Flag,
  Image,
  ImageChannel,
  Num,
  Text,
  Time,
  Vec,
  Weekday,
} from "./language.ts";
export { findConfig, loadProject, type Project } from "./load.ts";
export { featureSpecOf, type ModelOptions, type ModelSpec, model } from "./model.ts";
export type { Duration, Past, WindowOptions } from "./past-types.ts";
export { type Classes, classes, subjectOf, type TargetSpec } from "./target.ts";
export { atLeast, atMost, byHash, byTime, notWorseThanChampion } from "./typed-specs.ts";
export { when } from "./values.ts";
