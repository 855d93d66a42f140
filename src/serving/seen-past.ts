import { type ModelWindows, withTime } from "../stream/index.ts";
import type { FrameWindows } from "./prediction-frame.ts";

type InputRecord = Readonly<Record<string, unknown>>;

/** What windows said about the records of a request, and the records with their times. */
export interface SeenPast {
  readonly records: readonly InputRecord[];
  /** When each of them happened, epoch milliseconds; NaN where its time is missing. */
  readonly times: Float64Array;
  /** Instance by instance. */
  readonly derived: Float64Array;
  readonly windows: FrameWindows;
}

/**
 * Asks windows about all records of a request at one moment.
 *
 * @param given `timeMs`: of records that do not say theirs. `fault`: the error of a record that cannot be read
 */
export function lookAtAll(
  windows: ModelWindows,
  asked: readonly InputRecord[],
  given: { readonly timeMs: number; readonly fault: (thrown: unknown, instance: number) => unknown },
): SeenPast {
  const derivedCount = windows.values.length;
  const derived = new Float64Array(asked.length * derivedCount);
  const times = new Float64Array(asked.length);
  const records = asked.map((record) =>
    withTime(record, { time: windows.program.time, timeMs: given.timeMs }),
  );
  for (const [instance, record] of records.entries()) {
    try {
      times[instance] = windows.resolve(record);
    } catch (thrown) {
      throw given.fault(thrown, instance);
    }
    derived.set(windows.values, instance * derivedCount);
  }
  return { records, times, derived, windows: { streamSequence: windows.sequence, derivedCount } };
}
