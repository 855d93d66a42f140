import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CommandSpec } from "../command-spec.ts";
import { trainingErrors } from "../errors.ts";

const ENDINGS: Readonly<Record<CommandSpec["format"], readonly string[]>> = {
  lightgbm: [".txt", ".model", ".lgb"],
  xgboost: [".json", ".ubj"],
  onnx: [".onnx"],
};
const LISTED = 10;
/** Beyond it a model does not fit into one buffer. */
const MOST_BYTES = 0x7fffffff;

export interface ModelFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Reads the file that a program has left as its model: the one that `model` names, else the only file, else the only one
 * with an ending of the format.
 *
 * @throws TRAINING_NO_MODEL_FILE, TRAINING_TOO_LARGE
 */
export async function readModelFile(directory: string, spec: CommandSpec): Promise<ModelFile> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const name = choose(files.sort(), spec);
  const path = join(directory, name);
  const { size } = await stat(path);
  if (size > MOST_BYTES)
    throw trainingErrors.TRAINING_TOO_LARGE.error(`the model file "${name}" has ${size} bytes`, {
      details: { file: name, bytes: size },
    });
  return { name, bytes: await readFile(path) };
}

function choose(files: readonly string[], { model, format }: CommandSpec): string {
  if (model !== undefined) {
    if (files.includes(model)) return model;
    throw noFile(`the program has not left "${model}" in its model directory`, files);
  }
  if (files.length === 1) return files[0]!;
  const fitting = files.filter((file) => ENDINGS[format].some((ending) => file.endsWith(ending)));
  if (fitting.length === 1) return fitting[0]!;
  if (files.length === 0) throw noFile("the program has left nothing in its model directory", files);
  const which =
    fitting.length === 0 ? "none of them looks like one" : `${fitting.length} of them look like one`;
  throw noFile(`it is not clear which file is the ${format} model: ${which}`, files);
}

function noFile(what: string, files: readonly string[]): Error {
  const listed = files.slice(0, LISTED).join(", ");
  const rest = files.length > LISTED ? `, and ${files.length - LISTED} more` : "";
  return trainingErrors.TRAINING_NO_MODEL_FILE.error(
    files.length === 0 ? what : `${what} (${listed}${rest})`,
    {
      details: { files: files.slice(0, LISTED) },
      hint:
        files.length > 1
          ? 'Say which: command({ model: "model.txt", … }).'
          : "Write it to the directory that the environment variable SM_MODEL_DIR names.",
    },
  );
}
