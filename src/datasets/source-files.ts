import { glob, open, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { datasetsErrors } from "./errors.ts";
import type { SourceSpec } from "./spec.ts";

/** A file that a dataset's rows come from. */
export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  /** As messages and manifests name it: relative to `root`, with forward slashes, where it lies inside. */
  readonly name: string;
  readonly bytes: number;
}

/**
 * The files of a source, in the order in which their rows are read: patterns as given, the files of one pattern in natural
 * order, a file that several patterns match once, at its first place.
 *
 * @throws DATASETS_NO_FILES, DATASETS_UNREADABLE_FILE
 */
export async function findSourceFiles(source: Pick<SourceSpec, "glob">, root: string): Promise<FoundFile[]> {
  const patterns = typeof source.glob === "string" ? [source.glob] : source.glob;
  const found = new Map<string, FoundFile>();
  for (const pattern of patterns) {
    const files = await matching(pattern, root);
    if (files.length === 0) {
      throw datasetsErrors.DATASETS_NO_FILES.error(`no file matches ${pattern} in ${root}`, {
        details: { pattern, root },
        hint: "Patterns are relative to the project's folder; `**` crosses folders, `*` does not.",
      });
    }
    for (const file of files) if (!found.has(file.path)) found.set(file.path, file);
  }
  for (const file of found.values()) await checkReadable(file);
  return [...found.values()];
}

async function matching(pattern: string, root: string): Promise<FoundFile[]> {
  const literal = await fileAt(resolve(root, pattern), root);
  if (literal !== undefined) return [literal];
  const files: FoundFile[] = [];
  // Steps up are taken here: a folder that is yet to be made has none above it for the file system.
  let folder = resolve(root);
  let rest = pattern;
  for (; rest.startsWith("../"); rest = rest.slice(3)) folder = dirname(folder);
  for await (const match of glob(rest, { cwd: folder })) {
    const file = await fileAt(resolve(folder, match), root);
    if (file !== undefined) files.push(file);
  }
  return files.sort((a, b) => compareNaturally(a.name, b.name));
}

/** The file of this path, or undefined when there is none or it is a folder. */
async function fileAt(path: string, root: string): Promise<FoundFile | undefined> {
  try {
    const info = await stat(path);
    if (!info.isFile()) return undefined;
    return { path, name: nameOf(path, root), bytes: info.size };
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw unreadable(nameOf(path, root), thrown);
  }
}

async function checkReadable(file: FoundFile): Promise<void> {
  try {
    await (await open(file.path, "r")).close();
  } catch (thrown) {
    throw unreadable(file.name, thrown);
  }
}

function unreadable(name: string, thrown: unknown): Error {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return datasetsErrors.DATASETS_UNREADABLE_FILE.error(`${name} cannot be read: ${reason}`, {
    details: { file: name },
    cause: thrown,
  });
}

function isMissing(thrown: unknown): boolean {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}

function nameOf(path: string, root: string): string {
  const inside = relative(resolve(root), path);
  const outside = inside.startsWith("..") || isAbsolute(inside);
  return (outside ? path : inside).replaceAll(sep, "/");
}

/** Compares texts with runs of digits as numbers: `a2` before `a10`; independent of any locale. */
export function compareNaturally(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = compareRuns(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  if (left.length !== right.length) return left.length - right.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareRuns(a: string, b: string): number {
  if (/^\d/.test(a) && /^\d/.test(b)) {
    const left = BigInt(a);
    const right = BigInt(b);
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
