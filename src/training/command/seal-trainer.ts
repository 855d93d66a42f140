import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { type Digest, digestOfJson } from "../../kernel/index.ts";
import type { BlobStore } from "../../storage/index.ts";
import type { CodeFile, CommandSpec } from "../command-spec.ts";
import { trainingErrors } from "../errors.ts";
import { sealPretrained } from "../foreign/seal-pretrained.ts";
import type { SealedTrainerSpec, TrainerSpec } from "../spec.ts";

const MOST_FILES = 1000;
const MOST_BYTES = 64 * 1024 * 1024;
/** Not code, though it may lie beside it. */
const SKIPPED = new Set(["__pycache__", "node_modules"]);

/**
 * The trainer as a recipe holds it. The files of a program, and that of a pretrained model, are stored as blobs, by whose digests the recipe depends on them.
 *
 * @throws TRAINING_CODE_NOT_FOUND, what `sealPretrained` throws, and the errors of the blob store
 */
export async function sealTrainer(
  spec: TrainerSpec,
  from: {
    readonly projectRoot: string;
    readonly blobs: BlobStore;
    /** The blob of a pretrained model's file, where it is stored already. */
    readonly stored?: Digest | undefined;
  },
): Promise<SealedTrainerSpec> {
  if (spec.kind === "pretrained") return await sealPretrained(spec, from);
  if (spec.kind !== "command") return spec;
  const { projectRoot, blobs } = from;
  const root = await realpath(projectRoot);
  const paths = await codePaths(spec, root);
  const files: CodeFile[] = [];
  let bytes = 0;
  for (const path of paths) {
    const content = await readFile(join(root, path));
    bytes += content.length;
    if (bytes > MOST_BYTES) throw notFound("code", `is larger than ${MOST_BYTES / 1024 / 1024} MB in all`);
    const { mode } = await stat(join(root, path));
    const digest = await blobs.put(content);
    files.push({ path: path.split(sep).join("/"), digest, executable: (mode & 0o111) !== 0 });
  }
  return { ...spec, files };
}

/**
 * What an installation signs when it trains by a program, and asks for before it runs the program of a recipe again; undefined
 * for trainers of our own.
 */
export function programDigest(trainer: SealedTrainerSpec): Digest | undefined {
  return trainer.kind === "command" ? digestOfJson(trainer) : undefined;
}

/** Relative to the project, sorted. */
async function codePaths({ code, run }: CommandSpec, root: string): Promise<string[]> {
  const found = new Set<string>();
  if (code === undefined) {
    for (const word of run) if (await isOwnFile(root, word)) found.add(relative(root, resolve(root, word)));
  } else {
    for (const path of code) for (const file of await filesAt(root, path)) found.add(file);
  }
  if (found.size > MOST_FILES) throw notFound("code", `has more than ${MOST_FILES} files`);
  return [...found].sort();
}

/** A file of the project itself: not a link out of it, as the interpreter of a virtual environment is. */
async function isOwnFile(root: string, word: string): Promise<boolean> {
  if (word === "" || isAbsolute(word) || word.startsWith("-") || word.includes("\n")) return false;
  const path = resolve(root, word);
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && isInside(root, await realpath(path));
}

async function filesAt(root: string, given: string): Promise<string[]> {
  const path = resolve(root, given);
  if (!isInside(root, path)) throw notFound(given, "lies outside the project's folder");
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw notFound(given, "does not exist");
  if (!isInside(root, await realpath(path))) throw notFound(given, "links to outside the project's folder");
  if (!found.isDirectory()) return [relative(root, path)];
  const files: string[] = [];
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    const inner = join(path, entry.name);
    if (entry.isDirectory()) files.push(...(await filesAt(root, relative(root, inner))));
    else if (entry.isFile()) files.push(relative(root, inner));
    if (files.length > MOST_FILES) throw notFound(given, `has more than ${MOST_FILES} files`);
  }
  return files;
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function notFound(path: string, fault: string): Error {
  return trainingErrors.TRAINING_CODE_NOT_FOUND.error(
    `command: its ${path === "code" ? "code" : `code "${path}"`} ${fault}`,
    {
      details: { path },
      hint: "`code` names files and folders of the project, relative to its slipway.config.ts.",
    },
  );
}
