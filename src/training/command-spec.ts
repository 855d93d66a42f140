import { type Digest, isDigest } from "../kernel/index.ts";
import {
  badOption,
  COUNT,
  checkOptionNames,
  describeRange,
  isInRange,
  type OptionRange,
} from "./option-range.ts";

/** What a program may leave as its model; see the formats of `slipway model import`. */
export type CommandFormat = "lightgbm" | "xgboost" | "onnx";

/** The files in which a program is given its rows. */
export type ChannelFormat = "csv" | "parquet";

/**
 * Any program in any language as a trainer. It finds its rows and leaves its model in a job directory laid out as that of
 * Amazon SageMaker's training jobs (`/opt/ml`), wherever that directory lies: `SAGEMAKER_BASE_DIR` and the `SM_*`
 * variables say where.
 */
export interface CommandSpec {
  readonly kind: "command";
  /**
   * The program and what it is given. A program with a slash in its name is looked for among the code, then in the
   * project's folder; one without on the PATH. It runs in a folder that holds a copy of the code.
   */
  readonly run: readonly string[];
  readonly format: CommandFormat;
  /**
   * Files and folders of the project that make up the program. They are stored with the version, so that it can be
   * reproduced whatever becomes of them. Default: the words of `run` that name files of the project.
   */
  readonly code?: readonly string[];
  /** The name of the model's file, where the program leaves more than one. */
  readonly model?: string;
  /** Given as `--name value`, in the order of their names, as `SM_HP_NAME`, and in `input/config/hyperparameters.json`. */
  readonly hyperparameters: Readonly<Record<string, string | number | boolean>>;
  /** More environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** In which forms the rows are written. */
  readonly channels: readonly ChannelFormat[];
  /** How long it may run. */
  readonly timeoutMs: number;
  /** How long after SIGTERM it may go on before it is killed. */
  readonly graceMs: number;
}

/** A program with the files it consists of: what a recipe holds. */
export interface SealedCommandSpec extends CommandSpec {
  readonly files: readonly CodeFile[];
}

export type CodeFile = {
  /** Relative to the project, with slashes. */
  readonly path: string;
  readonly digest: Digest;
  readonly executable: boolean;
};

export type CommandOptions = Pick<CommandSpec, "run" | "format"> & Partial<Omit<CommandSpec, "kind">>;

type Limit = "timeoutMs" | "graceMs";

/** Node's timers do not count further: 24.8 days. */
const RANGES: Readonly<Record<Limit, OptionRange>> = {
  timeoutMs: { least: 1, most: COUNT, integer: true },
  graceMs: { least: 0, most: COUNT, integer: true },
};

const DEFAULTS = {
  kind: "command",
  hyperparameters: {},
  environment: {},
  channels: ["csv", "parquet"],
  timeoutMs: 24 * 60 * 60 * 1000,
  graceMs: 10_000,
} as const;

const OPTIONS = [
  "run",
  "format",
  "code",
  "model",
  "hyperparameters",
  "environment",
  "channels",
  "timeoutMs",
  "graceMs",
] as const satisfies readonly (keyof CommandSpec)[];

/** A name that is an environment variable's too, once in capitals. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * A program of yours as the trainer.
 *
 *     trainer: command({ run: ["python3", "train.py"], format: "onnx", hyperparameters: { epochs: 20 } }),
 *
 * @throws TRAINING_BAD_OPTION
 */
export function command(options: CommandOptions): CommandSpec {
  checkOptionNames("command", options, OPTIONS);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return checkCommand({ ...DEFAULTS, ...(given as CommandOptions) });
}

/** @throws TRAINING_BAD_OPTION */
export function checkCommand<Spec extends CommandSpec>(spec: Spec): Spec {
  const bad = (name: keyof CommandSpec, wanted: string): Error =>
    badOption("command", { name, value: spec[name] }, wanted);
  if (!areTexts(spec.run) || spec.run.length === 0 || spec.run[0] === "")
    throw bad("run", 'a program and its arguments, such as ["python3", "train.py"]');
  if (!isOneOf(spec.format, ["lightgbm", "xgboost", "onnx"]))
    throw bad("format", 'one of "lightgbm", "xgboost", "onnx"');
  if (spec.code !== undefined && !areTexts(spec.code))
    throw bad("code", 'a list of files and folders of the project, such as ["training"]');
  if (spec.model !== undefined && (typeof spec.model !== "string" || !/^[^/\\\0]+$/.test(spec.model)))
    throw bad("model", "the name of a file, without a folder");
  const isValue = (value: unknown) =>
    typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  if (!isRecordOf(spec.hyperparameters, isValue))
    throw bad("hyperparameters", "texts, numbers and flags by names of letters, digits, _ and -");
  if (!isRecordOf(spec.environment, (value) => typeof value === "string" && !value.includes("\0")))
    throw bad("environment", "texts by the names of variables");
  const { channels } = spec;
  if (
    !Array.isArray(channels) ||
    channels.length === 0 ||
    !channels.every((one) => isOneOf(one, ["csv", "parquet"]))
  )
    throw bad("channels", 'at least one of "csv" and "parquet"');
  for (const name of Object.keys(RANGES) as Limit[])
    if (!isInRange(spec[name], RANGES[name]))
      throw bad(name, `${describeRange(RANGES[name])}, in milliseconds`);
  if ("files" in spec && !areCodeFiles(spec.files)) throw bad("code", "files below the project's folder");
  return spec;
}

/** A recipe may come from elsewhere: no file of it is written beside the job directory. */
function areCodeFiles(files: unknown): boolean {
  return (
    Array.isArray(files) &&
    files.every(
      ({ path, digest }) =>
        typeof path === "string" &&
        path.split("/").every((part) => part !== "" && part !== "." && part !== "..") &&
        !/[\\\0]/.test(path) &&
        isDigest(digest),
    )
  );
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && !text.includes("\0"));
}

function isOneOf(value: unknown, known: readonly string[]): boolean {
  return known.some((one) => one === value);
}

function isRecordOf(value: unknown, holds: (value: unknown) => boolean): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([name, inner]) => NAME.test(name) && holds(inner))
  );
}
