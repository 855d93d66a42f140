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

/** The generation of the last published snapshot; 0 when none was published, or none that can be read. */
export function publishedGeneration(path: string): number {
  try {
    const { generation } = readRoutingFile(path) ?? { generation: 0 };
    return Number.isSafeInteger(generation) ? generation : 0;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return 0;
    throw thrown;
  }
}

export interface RoutingFollower {
  /** Called once at the start and then after every replacement of the file. */
  readonly onChange: (routing: RoutingSnapshot) => Promise<void>;
  /** Called whenever there is a snapshot and it has not been replaced since the last `onChange` ended. */
  readonly onCurrent: () => void;
}

/** Follows the file until the signal fires. */
export async function followRoutingFile(
  path: string,
  { onChange, onCurrent }: RoutingFollower,
  signal: AbortSignal,
): Promise<void> {
  let seen = "";
  while (!signal.aborted) {
    for (let mark = fileMark(path); mark !== seen; mark = fileMark(path)) {
      seen = mark;
      const routing = readRoutingFile(path);
      if (routing !== undefined) await onChange(routing);
    }
    if (seen !== "") onCurrent();
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
