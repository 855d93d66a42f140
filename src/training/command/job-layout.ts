import { join } from "node:path";
import type { FeatureColumn } from "../../kernel/index.ts";
import type { ChannelFormat, SealedCommandSpec } from "../command-spec.ts";
import { plainName } from "../foreign/input-names.ts";

/** Where everything of a job lies, in the layout of SageMaker's `/opt/ml`. */
export interface JobLayout {
  readonly base: string;
  readonly config: string;
  readonly data: string;
  readonly code: string;
  readonly model: string;
  readonly output: string;
  readonly outputData: string;
  readonly intermediate: string;
  readonly checkpoints: string;
  readonly failure: string;
  readonly metrics: string;
}

export function jobLayout(base: string): JobLayout {
  const output = join(base, "output");
  return {
    base,
    config: join(base, "input/config"),
    data: join(base, "input/data"),
    code: join(base, "code"),
    model: join(base, "model"),
    output,
    outputData: join(output, "data"),
    intermediate: join(output, "intermediate"),
    checkpoints: join(base, "checkpoints"),
    failure: join(output, "failure"),
    metrics: join(output, "metrics.jsonl"),
  };
}

export const channelNames = ["train", "validation"] as const;
export type ChannelName = (typeof channelNames)[number];

/** What a job is about. */
export interface JobSubject {
  readonly spec: SealedCommandSpec;
  readonly layout: JobLayout;
  readonly task: "binary" | "regression" | "multiclass";
  readonly classes?: readonly string[];
  readonly columns: ChannelColumns;
  readonly channels: readonly ChannelName[];
  readonly seed: number;
  readonly threads: number;
}

/** What the columns of a channel's files are called. */
export interface ChannelColumns {
  /** One for each feature, in the order of the feature matrix. */
  readonly features: readonly { readonly column: string; readonly feature: FeatureColumn }[];
  readonly target: string;
  readonly weight?: string;
}

/**
 * Names that LightGBM, XGBoost and Parquet all take (see `plainName`); those that then differ in nothing but their case get a
 * number.
 */
export function channelColumns(features: readonly FeatureColumn[], hasWeights: boolean): ChannelColumns {
  const taken = new Set<string>();
  const distinct = (wanted: string): string => {
    let name = wanted;
    for (let suffix = 2; taken.has(name.toLowerCase()); suffix++) name = `${wanted}_${suffix}`;
    taken.add(name.toLowerCase());
    return name;
  };
  const named = features.map((feature) => ({
    column: distinct(plainName(feature.name)),
    feature,
  }));
  const target = distinct("target");
  return { features: named, target, ...(hasWeights ? { weight: distinct("weight") } : {}) };
}

/** The files below `input/config`, by name. */
export function configFiles(subject: JobSubject): Readonly<Record<string, unknown>> {
  const { spec, columns, task, classes, seed } = subject;
  return {
    "hyperparameters.json": Object.fromEntries(
      Object.entries(spec.hyperparameters).map(([name, value]) => [name, String(value)]),
    ),
    "inputdataconfig.json": inputDataConfig(subject),
    "resourceconfig.json": RESOURCES,
    // Ours: what the columns are.
    "features.json": {
      task,
      ...(classes === undefined ? {} : { classes }),
      seed,
      target: columns.target,
      ...(columns.weight === undefined ? {} : { weight: columns.weight }),
      features: columns.features.map(({ column, feature }) => ({
        column,
        feature: feature.name,
        kind: feature.kind,
        ...(feature.kind === "categorical" ? { cardinality: feature.cardinality } : {}),
      })),
    },
  };
}

const HOST = "algo-1";
const RESOURCES = {
  current_host: HOST,
  current_instance_group: "local",
  current_instance_type: "local",
  hosts: [HOST],
  instance_groups: [{ instance_group_name: "local", instance_type: "local", hosts: [HOST] }],
  network_interface_name: "lo",
};

function inputDataConfig({ channels, spec }: JobSubject): Readonly<Record<string, unknown>> {
  const types: Readonly<Record<ChannelFormat, string>> = {
    csv: "text/csv",
    parquet: "application/x-parquet",
  };
  return Object.fromEntries(
    channels.map((channel) => [
      channel,
      {
        ContentType: types[spec.channels[0]!],
        RecordWrapperType: "None",
        S3DistributionType: "FullyReplicated",
        TrainingInputMode: "File",
      },
    ]),
  );
}

/** The words after those of `run`, as SageMaker's script mode gives them. */
export function argumentsOf({ hyperparameters }: SealedCommandSpec): string[] {
  return Object.keys(hyperparameters)
    .sort()
    .flatMap((name) => [`--${name}`, String(hyperparameters[name])]);
}

/** The variables of SageMaker's training toolkit, and ours. */
export function jobEnvironment(subject: JobSubject): Record<string, string> {
  const { spec, layout, columns, channels, threads, seed, task } = subject;
  const json = (value: unknown) => JSON.stringify(value);
  const files = configFiles(subject);
  const channelDirectories = Object.fromEntries(
    channels.map((channel) => [channel, join(layout.data, channel)]),
  );
  const { hyperparameters } = spec;
  const userArguments = argumentsOf(spec);
  const common = {
    channel_input_dirs: channelDirectories,
    current_host: HOST,
    hosts: [HOST],
    hyperparameters,
    input_config_dir: layout.config,
    input_data_config: files["inputdataconfig.json"],
    input_dir: join(layout.base, "input"),
    is_master: true,
    master_hostname: HOST,
    model_dir: layout.model,
    module_dir: layout.code,
    network_interface_name: "lo",
    num_cpus: threads,
    num_gpus: 0,
    output_data_dir: layout.outputData,
    output_dir: layout.output,
    output_intermediate_dir: layout.intermediate,
    resource_config: RESOURCES,
  };
  return {
    // Lines reach the log when they are printed, and sets of texts keep their order.
    PYTHONUNBUFFERED: "1",
    PYTHONHASHSEED: String(seed >>> 0),
    ...spec.environment,
    SAGEMAKER_BASE_DIR: layout.base,
    SLIPWAY_JOB_DIR: layout.base,
    SLIPWAY_METRICS_FILE: layout.metrics,
    SLIPWAY_TASK: task,
    SLIPWAY_SEED: String(seed),
    SLIPWAY_TARGET_COLUMN: columns.target,
    ...(columns.weight === undefined ? {} : { SLIPWAY_WEIGHT_COLUMN: columns.weight }),
    SM_MODEL_DIR: layout.model,
    SM_INPUT_DIR: common.input_dir,
    SM_INPUT_CONFIG_DIR: layout.config,
    SM_INPUT_DATA_CONFIG: json(common.input_data_config),
    SM_OUTPUT_DIR: layout.output,
    SM_OUTPUT_DATA_DIR: layout.outputData,
    SM_OUTPUT_INTERMEDIATE_DIR: layout.intermediate,
    SM_MODULE_DIR: layout.code,
    SM_CHANNELS: json(channels),
    ...Object.fromEntries(
      channels.map((channel) => [`SM_CHANNEL_${channel.toUpperCase()}`, channelDirectories[channel]!]),
    ),
    SM_HPS: json(hyperparameters),
    ...Object.fromEntries(
      Object.entries(hyperparameters).map(([name, value]) => [
        `SM_HP_${name.toUpperCase().replaceAll("-", "_")}`,
        String(value),
      ]),
    ),
    SM_USER_ARGS: json(userArguments),
    SM_HOSTS: json([HOST]),
    SM_CURRENT_HOST: HOST,
    SM_NETWORK_INTERFACE_NAME: "lo",
    SM_RESOURCE_CONFIG: json(RESOURCES),
    SM_NUM_CPUS: String(threads),
    SM_NUM_GPUS: "0",
    SM_LOG_LEVEL: "20",
    SM_TRAINING_ENV: json(common),
  };
}
