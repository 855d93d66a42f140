import { parsePredictionId } from "../serving/index.ts";
import type { LogMark } from "../storage/index.ts";
import { StreamFollower } from "../stream/index.ts";
import { LabelMemory } from "./label-memory.ts";
import { PartialLabels } from "./partial-labels.ts";

export type Marks = { readonly predictions: Map<string, LogMark>; readonly feedback: Map<string, LogMark> };

/** What a sequencer has to know of the stream that it goes on with. */
export interface SequencedPast {
  /** The number of the last event. */
  readonly sequence: number;
  /** How far the logs have been read for it. */
  readonly marks: Marks;
  readonly memory: LabelMemory;
  readonly partial: PartialLabels;
}

/** Reads a stream from its beginning. @throws STREAM_*, STORAGE_* */
export async function readSequencedPast(directory: string): Promise<SequencedPast> {
  const follower = new StreamFollower(directory);
  const past = { marks: emptyMarks(), memory: new LabelMemory(), partial: new PartialLabels() };
  for await (const { events, marks } of follower.read()) {
    for (const log of ["predictions", "feedback"] as const) {
      for (const [incarnation, mark] of marks[log]) past.marks[log].set(incarnation, mark);
    }
    for (const event of events) {
      if (event.kind !== "label") continue;
      past.memory.add(parsePredictionId(event.predictionId), event.name);
      past.partial.set(event.predictionId, event.more ? event.labels : undefined);
    }
  }
  return { ...past, sequence: follower.sequence };
}

export function emptyMarks(): Marks {
  return { predictions: new Map(), feedback: new Map() };
}
