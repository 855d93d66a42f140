import { type PredictionFrame, readInput } from "../serving/index.ts";
import type { RowHappened } from "../stream/index.ts";

/** The records as they were received; undefined when they have been forgotten or are damaged. */
export function recordsOf({
  payload,
  instances,
}: PredictionFrame): readonly RowHappened["record"][] | undefined {
  if (payload?.intact !== true) return undefined;
  // The digest of the payload says that these are the bytes that were logged: a list of as many records.
  const records = readInput(payload.input)?.records as readonly RowHappened["record"][] | undefined;
  return records?.length === instances ? records : undefined;
}

/** When the row of an instance happened; null where it has no time. */
export function timeOf({ payload }: PredictionFrame, instance: number): number | null {
  const time = payload?.times[instance] ?? Number.NaN;
  return Number.isNaN(time) ? null : time;
}

/** Whether a prediction has this instance; without an index it must have only one. */
export function hasInstance({ instances }: PredictionFrame, instance: number | undefined): boolean {
  return instance === undefined ? instances === 1 : instance < instances;
}

export function instanceId({ id, instances }: PredictionFrame, instance: number): string {
  return instances === 1 ? id : `${id}.${instance}`;
}
