import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { MOST_MODEL_FILE_BYTES, modelFileFormats, type OperationOutput } from "../wire/index.ts";
import { argument, defineCommand, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatCount } from "./format-values.ts";
import type { Output } from "./terminal.ts";

type Format = (typeof modelFileFormats)[number];

export const modelImportCommand = defineCommand({
  name: "import",
  summary: "Register a model file of LightGBM, XGBoost or ONNX as a version.",
  details: [
    "Trees are read from LightGBM text (save_model), XGBoost JSON and UBJ, and ONNX graphs of one tree ensemble.",
    "The model's own inputs become its features: records name them as the file does. Every input must be given, null where it is missing. The first version of a model becomes its champion.",
  ].join("\n\n"),
  parameters: {
    file: argument("<file>", "The model file, at most 64 MiB."),
    name: option("--name <model>", "The model to register it for."),
    format: option("--format <format>", `${modelFileFormats.join(", ")}. Default: found out from the file.`),
    reason: option("--reason <text>", 'Why, for the journal. Default: "imported".'),
  },
  examples: [
    "slipway model import model.txt --name churn",
    "slipway model import model.ubj --name churn --format xgboost-ubj",
  ],
  reach: "server",
  run: async ({ file, name, format, reason }, session) => {
    if (name === undefined)
      throw cliErrors.CLI_USAGE.error("--name is missing: name the model that the file becomes a version of");
    const imported = await session.call(
      "models.import",
      {
        model: name,
        file: { name: basename(file), base64: (await readModelFile(file)).toString("base64") },
        format: format === undefined ? undefined : parseFormat(format),
        reason,
      },
      "importing",
    );
    return { data: imported, text: (out) => describe(imported, out) };
  },
});

function parseFormat(text: string): Format {
  const format = modelFileFormats.find((known) => known === text);
  if (format !== undefined) return format;
  throw cliErrors.CLI_USAGE.error(`--format: "${text}" is none of ${modelFileFormats.join(", ")}`);
}

/** @throws CLI_NO_MODEL_FILE */
async function readModelFile(path: string): Promise<Buffer> {
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
    if (bytes <= MOST_MODEL_FILE_BYTES) return await readFile(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && typeof cause.code === "string" && "syscall" in cause)
      throw refuse(`cannot be read: ${cause.message}`, cause);
    throw cause;
  }
  throw refuse(
    `has ${formatCount(bytes)} bytes; at most ${formatCount(MOST_MODEL_FILE_BYTES)} can be imported`,
  );
}

const counted = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;

function describe(imported: OperationOutput<"models.import">, { paint }: Output): string {
  const { model, version, origin, inputs, trees, task, outputs, alreadyRegistered, champion } = imported;
  const shape = `${task}, ${counted(trees, "tree")}, ${counted(inputs, "input")}${outputs > 1 ? `, ${counted(outputs, "output")}` : ""}`;
  const what = alreadyRegistered ? "was registered before" : "registered";
  const next = champion ? paint("green", "  champion") : paint("dim", `  slipway deploy ${model}@${version}`);
  return `${paint("bold", `${model}@${version}`)} ${what}: ${shape}${next}\n${paint("dim", `${origin.file}, ${origin.producer}, ${origin.objective}`)}\n`;
}
