import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** What the sequencer says of itself, in a file of its own. */
export interface SequencerStatus {
  readonly pid: number;
  /** When it wrote this, epoch milliseconds. */
  readonly writtenAt: number;
  /** When it last began to read the logs to their ends; everything that was logged by then is in the stream. */
  readonly readAt: number;
  /** The number of the last event. */
  readonly sequence: number;
}

export function writeSequencerStatus(path: string, status: SequencerStatus): void {
  const draft = `${path}.${status.pid}.tmp`;
  writeFileSync(draft, JSON.stringify(status), { mode: 0o600 });
  renameSync(draft, path);
}

/** Undefined when no sequencer has ever run here. */
export function readSequencerStatus(path: string): SequencerStatus | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as SequencerStatus;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}
