import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the sequencer says of itself, in a file beside the segments of the stream. */
export interface SequencerStatus {
  readonly pid: number;
  /** When it wrote this, epoch milliseconds. */
  readonly writtenAt: number;
  /** When it last began to read the logs to their ends; everything that was logged by then is in the stream. */
  readonly readAt: number;
  /** The number of the last event. */
  readonly sequence: number;
}

const FILE = "sequencer.json";

export function writeSequencerStatus(directory: string, status: SequencerStatus): void {
  const path = join(directory, FILE);
  const draft = `${path}.${status.pid}.tmp`;
  writeFileSync(draft, JSON.stringify(status), { mode: 0o600 });
  renameSync(draft, path);
}

/** Undefined when no sequencer has ever run here. */
export function readSequencerStatus(directory: string): SequencerStatus | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, FILE), "utf8")) as SequencerStatus;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}
