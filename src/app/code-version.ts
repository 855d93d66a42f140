import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** This program's version, from its package. */
export const slipwayVersion: string = readPackage().version;

function readPackage(): { version: string } {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
}

/**
 * The commit of the repository that holds a folder, with `+changes` when its working tree differs; null outside a
 * repository and where git is missing.
 */
export async function gitCommit(directory: string): Promise<string | null> {
  try {
    const { stdout: commit } = await run("git", ["-C", directory, "rev-parse", "HEAD"]);
    const { stdout: changes } = await run("git", ["-C", directory, "status", "--porcelain", "--", directory]);
    return changes.trim() === "" ? commit.trim() : `${commit.trim()}+changes`;
  } catch (error) {
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}
