import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Digest } from "../../kernel/index.ts";
import type { BlobStore } from "../../storage/index.ts";
import { trainingErrors } from "../errors.ts";
import type { PretrainedSpec, SealedPretrainedSpec } from "../pretrained-spec.ts";
import { readForeignModel } from "./foreign-model.ts";

/** Beyond it a file does not fit into one buffer. */
const MOST_BYTES = 0x7fffffff;

/**
 * The trainer as a recipe holds it, its file stored as a blob. The file is read once here, so that one that cannot be used is
 * refused before any data are.
 *
 * @param stored the blob that holds the file already, of whatever name
 * @throws TRAINING_NO_MODEL_FILE, INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL, INFERENCE_UNKNOWN_FORMAT
 *   and the errors of the blob store
 */
export async function sealPretrained(
  spec: PretrainedSpec,
  {
    projectRoot,
    blobs,
    stored,
  }: { readonly projectRoot: string; readonly blobs: BlobStore; readonly stored?: Digest | undefined },
): Promise<SealedPretrainedSpec> {
  const bytes = stored === undefined ? await readWhole(spec.file, projectRoot) : await blobs.get(stored);
  const { format, producer, objective } = readForeignModel({ file: spec.file, bytes }, spec.format);
  const digest = stored ?? (await blobs.put(bytes));
  return { ...spec, format, digest, bytes: bytes.length, producer, objective };
}

async function readWhole(file: string, projectRoot: string): Promise<Buffer> {
  const refuse = (fault: string, cause?: unknown): Error =>
    trainingErrors.TRAINING_NO_MODEL_FILE.error(`pretrained: ${file} ${fault}`, {
      details: { file },
      hint: "`file` is a path relative to the folder of slipway.config.ts.",
      ...(cause === undefined ? {} : { cause }),
    });
  const path = resolve(projectRoot, file);
  try {
    const found = await stat(path);
    if (!found.isFile()) throw refuse("is not a file");
    if (found.size > MOST_BYTES) throw refuse(`has ${found.size} bytes`);
    return await readFile(path);
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw refuse(`cannot be read: ${cause.message}`, cause);
  }
}
