import { statSync } from "node:fs";
import { sleep } from "../kernel/index.ts";
import type { RoutingSnapshot } from "../serving/index.ts";
import { isNotFound, readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";

const POLL_MS = 100;

/** Publishes a routing snapshot to every worker of this machine. The file is the channel and the last resort in one. */
export function writeRoutingFile(path: string, routing: RoutingSnapshot): void {
  writeFileAtomically(path, `${JSON.stringify(routing, null, 2)}\n`);
}

/** The last published routing snapshot, or undefined when none was ever published. */
export function readRoutingFile(path: string): RoutingSnapshot | undefined {
  const text = readFileIfPresent(path);
  return text === undefined ? undefined : (JSON.parse(text) as RoutingSnapshot);
}

/** Calls `onChange` once at the start and then after every replacement of the file, until the signal fires. */
export async function followRoutingFile(
  path: string,
  onChange: (routing: RoutingSnapshot) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let seen = "";
  while (!signal.aborted) {
    const mark = fileMark(path);
    if (mark !== seen) {
      seen = mark;
      const routing = readRoutingFile(path);
      if (routing !== undefined) await onChange(routing);
    }
    await sleep(POLL_MS, signal).catch((reason: unknown) => {
      if (!signal.aborted) throw reason;
    });
  }
}

/** Replacing a file changes its inode, so that two writes within one tick of the file system's clock are told apart. */
export function fileMark(path: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(path);
    return `${ino}/${mtimeMs}/${size}`;
  } catch (error) {
    if (isNotFound(error)) return "";
    throw error;
  }
}
