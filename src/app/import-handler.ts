import { open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { MODEL_FILE_RECORD } from "../registry/index.ts";
import { beginsArchive } from "../storage/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import type { ControlContext } from "./control-context.ts";
import { appErrors } from "./errors.ts";
import { importForeign } from "./import-foreign.ts";
import { importOverFeatures } from "./import-over-features.ts";
import { importVersion } from "./import-version.ts";

type Imported = OperationOutput<"models.import">;
type ImportInput = Parameters<ControlHandlers["models.import"]>[0];

/** Most bytes of a model file that lies on this machine: 1 GiB. It is held in memory while it is imported. */
const MOST_PLACED_FILE_BYTES = 1024 ** 3;

/** What an archive's first header has room in. */
const START_BYTES = 512;

export function importHandler(context: ControlContext): Pick<ControlHandlers, "models.import"> {
  return { "models.import": (input, call) => importFile(context, input, call) };
}

/** A version of another installation, or a model file of another program: the file itself says which. */
async function importFile(
  context: ControlContext,
  input: ImportInput,
  call: OperationContext,
): Promise<Imported> {
  const { file, model, format, allowCode, reason, features } = input;
  if (features !== undefined) return await importWithFeatures(context, { ...input, features }, call);
  if ("path" in file) {
    const { path } = file;
    if (format === undefined && beginsArchive(await startOf(path), MODEL_FILE_RECORD))
      return await importVersion(context, { file: path, model, allowCode, reason, call });
    const name = basename(path);
    return await importForeign(context, {
      ...{ name, bytes: await readWhole(path), format, reason, call },
      model: named(model, name),
    });
  }
  const bytes = Buffer.from(file.base64, "base64");
  if (format !== undefined || !beginsArchive(bytes, MODEL_FILE_RECORD)) {
    const { name } = file;
    return await importForeign(context, { name, bytes, format, reason, call, model: named(model, name) });
  }
  const path = context.blobs.temporaryPath();
  try {
    await writeFile(path, bytes);
    return await importVersion(context, { file: path, model, allowCode, reason, call });
  } finally {
    await rm(path, { force: true });
  }
}

/** The model of another program over features of the project: a run without training. */
async function importWithFeatures(
  context: ControlContext,
  { file, model, format, features, reason }: ImportInput & { readonly features: string },
  call: OperationContext,
): Promise<Imported> {
  const name = "path" in file ? basename(file.path) : file.name;
  const bytes = "path" in file ? await readWhole(file.path) : Buffer.from(file.base64, "base64");
  if (beginsArchive(bytes.subarray(0, START_BYTES), MODEL_FILE_RECORD))
    throw appErrors.APP_BAD_MODEL_FILE.error(
      `${name} is a version of another installation, which has features of its own`,
      { details: { file: name }, hint: "Import it without --features." },
    );
  const wanted = model ?? features;
  return await importOverFeatures(context, {
    ...{ file: name, bytes, format, features, reason, call, model: wanted },
  });
}

function named(model: string | undefined, file: string): string {
  if (model !== undefined) return model;
  throw appErrors.APP_MODEL_UNNAMED.error(`${file} does not say what its model is called: name it`, {
    details: { file },
    hint: "slipway model import model.txt --name churn",
  });
}

async function startOf(path: string): Promise<Buffer> {
  try {
    await using handle = await open(path, "r");
    const start = Buffer.alloc(START_BYTES);
    const { bytesRead } = await handle.read(start, 0, START_BYTES, 0);
    return start.subarray(0, bytesRead);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size <= MOST_PLACED_FILE_BYTES) return await readFile(path);
    throw appErrors.APP_BAD_MODEL_FILE.error(
      `${path} has ${size} bytes; of a model file of another program at most ${MOST_PLACED_FILE_BYTES} are read`,
      { details: { file: path, bytes: size } },
    );
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error && "syscall" in cause)) return cause;
  return appErrors.APP_BAD_MODEL_FILE.error(`${path} cannot be read: ${cause.message}`, {
    details: { file: path },
    cause,
  });
}
