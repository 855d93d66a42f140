import type { LiveWindows } from "../stream/index.ts";

export interface StreamProgress {
  /** The number of the last event applied. */
  readonly sequence: number;
  /** How long ago the windows held everything that had been logged. */
  readonly ageMs: number;
  /** Keys that are kept, over all windows. */
  readonly keys: number;
  /** Events that did not fit the windows of a version. */
  readonly skipped: number;
  readonly problem: string | undefined;
}

/** Undefined while there are no windows. */
export function progressOf(windows: LiveWindows): StreamProgress | undefined {
  const followed = windows.list();
  if (followed.length === 0) return undefined;
  const { sequence, ageMs, problem } = windows;
  return {
    sequence,
    ageMs,
    keys: followed.reduce((sum, { keyCount }) => sum + keyCount, 0),
    skipped: followed.reduce((sum, { skipped }) => sum + skipped, 0),
    problem,
  };
}
