import { readFile, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  MOST_MODEL_FILE_BYTES,
  modelFileFormats,
  type OperationOutput,
  type OperationRequest,
} from "../wire/index.ts";
import { argument, defineCommand, flag, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { formatCount, formatDigest, formatTime } from "./format-values.ts";
import type { Session } from "./session.ts";
import type { Output } from "./terminal.ts";
import { describeTrained } from "./train.ts";

type Format = (typeof modelFileFormats)[number];

export const modelImportCommand = defineCommand({
  name: "import",
  summary: "Register a version that another installation exported, or a model file of another program.",
  details: [
    "What `slipway model export` has written is recognised by itself: everything in it is verified, and the version is registered with its metrics, gates and lineage and with where it comes from. A version that the model has already keeps its number.",
    "Of other programs, trees are read from LightGBM text (save_model), XGBoost JSON and UBJ, and ONNX graphs of one tree ensemble. Every other ONNX graph is run by onnxruntime.",
    "The model's own inputs become its features: records name them as the file does. Every input must be given, null where it is missing. The first version of a model becomes its champion.",
    "With --features the file takes the place of the trainer of a model of the project: records are raw ones of its dataset, and the version is evaluated and judged by its gates. Ends with 1 when a gate rejects it.",
  ].join("\n\n"),
  parameters: {
    file: argument(
      "<file>",
      "The model file; of another program at most 1 GiB, with --server at most 64 MiB.",
    ),
    name: option(
      "--name <model>",
      "The model to register it for. Default: the name that an exported version had, or what --features names.",
    ),
    allowCode: flag(
      "--allow-code",
      "Take a version with custom functions of another installation: they are code, and run here then. The journal keeps it.",
    ),
    features: option(
      "--features <model>",
      "A model of the project whose data, features, target and gates it is to have.",
    ),
    format: option("--format <format>", `${modelFileFormats.join(", ")}. Default: found out from the file.`),
    reason: option("--reason <text>", "Why, for the journal."),
  },
  examples: [
    "slipway model import churn-3.slipway",
    "slipway model import model.txt --name churn",
    "slipway model import model.ubj --name churn --format xgboost-ubj",
    "slipway model import mnist.onnx --name digits",
    "slipway model import churn.ubj --features churn",
  ],
  reach: "server",
  run: async ({ file, name, allowCode, features, format, reason }, session) => {
    const imported = await session.call(
      "models.import",
      {
        model: name,
        file: await fileFor(file, session),
        allowCode,
        format: format === undefined ? undefined : parseFormat(format),
        features,
        reason,
      },
      "importing",
    );
    const { trained } = imported;
    if (trained === undefined) return { data: imported, text: (out) => describe(imported, out) };
    return {
      data: imported,
      text: (out) => describeTrained(trained, out),
      exitCode: trained.status === "accepted" ? exitCodes.done : exitCodes.failed,
    };
  },
});

function parseFormat(text: string): Format {
  const format = modelFileFormats.find((known) => known === text);
  if (format !== undefined) return format;
  throw cliErrors.CLI_USAGE.error(`--format: "${text}" is none of ${modelFileFormats.join(", ")}`);
}

/** A server elsewhere is sent the bytes; here it is enough to say where they are. @throws CLI_NO_MODEL_FILE */
async function fileFor(
  path: string,
  { settings }: Session,
): Promise<OperationRequest<"models.import">["file"]> {
  const bytes = await readModelFile(path, settings.serverUrl === undefined ? 0 : MOST_MODEL_FILE_BYTES);
  if (bytes === undefined) return { path: resolve(path) };
  return { name: basename(path), base64: bytes.toString("base64") };
}

/** The bytes of a file, or nothing when none are wanted. @throws CLI_NO_MODEL_FILE */
async function readModelFile(path: string, most: number): Promise<Buffer | undefined> {
  const refuse = (fault: string, cause?: unknown) =>
    cliErrors.CLI_NO_MODEL_FILE.error(`${path} ${fault}`, {
      details: { path },
      ...(cause === undefined ? {} : { cause }),
    });
  let bytes: number;
  try {
    const found = await stat(path);
    if (!found.isFile()) throw refuse("is not a file");
    bytes = found.size;
    if (most === 0) return undefined;
    if (bytes <= most) return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && typeof cause.code === "string" && "syscall" in cause)
      throw refuse(`cannot be read: ${cause.message}`, cause);
    throw cause;
  }
  throw refuse(
    `has ${formatCount(bytes)} bytes; at most ${formatCount(most)} can be sent to a server: copy it there and import it there`,
  );
}

const counted = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

function describe(imported: OperationOutput<"models.import">, { paint }: Output): string {
  const { model, version, inputs, trees, task, outputs, champion } = imported;
  const shape = [
    task,
    ...(trees === undefined ? [] : [counted(trees, "tree")]),
    counted(inputs, "input"),
    ...(outputs > 1 ? [counted(outputs, "output")] : []),
  ].join(", ");
  const next = champion ? paint("green", "  champion") : paint("dim", `  slipway deploy ${model}@${version}`);
  const status = imported.status === "rejected" ? `  ${paint("red", "rejected by its gates")}` : "";
  return `${paint("bold", `${model}@${version}`)} ${registeredText(imported)}: ${shape}${status}${next}\n${paint("dim", sourceText(imported))}\n`;
}

function registeredText({ alreadyRegistered, version, from }: OperationOutput<"models.import">): string {
  if (!alreadyRegistered) return "registered";
  return from === undefined ? "was registered before" : `is already registered as v${version}`;
}

function sourceText({ origin, from }: OperationOutput<"models.import">): string {
  if (from !== undefined)
    return `${from.model}@${from.version} of installation ${formatDigest(from.installation)}, registered there ${formatTime(from.registeredAt)} by ${from.actor}`;
  return origin === undefined ? "" : `${origin.file}, ${origin.producer}, ${origin.objective}`;
}
