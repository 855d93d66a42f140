import { readFrameAt, readSegments, type SegmentInfo, storageErrors } from "../storage/index.ts";
import { listRawSegments } from "./compactions.ts";
import type { CompactedReader } from "./log-reader.ts";
import {
  decodePrediction,
  isMadeBy,
  KIND_PREDICTION,
  type PredictionFrame,
  peekFrame,
} from "./prediction-frame.ts";
import type { PredictionId } from "./prediction-id.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";

/** So many places are remembered, of the segments that were used last. */
const MOST_PLACES = 4_000_000;
/** So many predictions that were found last are kept: feedback about the instances of one comes together. */
const MOST_KEPT = 64;

/** Where the predictions of one segment begin. */
interface SegmentPlaces {
  readonly info: SegmentInfo;
  /** By sequence number, from the first one on; undefined for one that is not there. */
  readonly offsets: (number | undefined)[];
  first: number | undefined;
  last: number;
  /** Where reading goes on when the segment grows. */
  end: number;
}

/**
 * Finds many predictions by their ids: what has been read of a segment is remembered, so that each part of the log is
 * read once. For one prediction `findPrediction` reads less.
 */
export class PredictionPlaces {
  readonly #directory: string;
  readonly #compacted: Pick<CompactedReader, "find"> | undefined;
  /** By the name of the segment; those used last come last. */
  readonly #segments = new Map<string, SegmentPlaces>();
  readonly #kept = new Map<string, PredictionFrame>();
  #listed: readonly SegmentInfo[] = [];

  /** @param directory of the prediction log. Without `compacted` only what has not been compacted is looked at */
  constructor(directory: string, compacted?: Pick<CompactedReader, "find">) {
    this.#directory = directory;
    this.#compacted = compacted;
  }

  /** @returns undefined when the log holds no such prediction; whether it has that instance is not looked at */
  async find(id: PredictionId): Promise<PredictionFrame | undefined> {
    const key = `${id.incarnationTail}${id.time} ${id.sequence}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const found =
      (await this.#findListed(id)) ?? (await this.#findAnew(id)) ?? (await this.#compacted?.find(id));
    if (found === undefined) return undefined;
    this.#kept.set(key, found);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > MOST_KEPT && !oldest.done) this.#kept.delete(oldest.value);
    return found;
  }

  async #findAnew(id: PredictionId): Promise<PredictionFrame | undefined> {
    this.#listed = (await listRawSegments(this.#directory)).segments;
    return this.#findListed(id);
  }

  async #findListed(id: PredictionId): Promise<PredictionFrame | undefined> {
    const made = this.#listed.filter(({ incarnation }) => isMadeBy(incarnation, id.incarnationTail));
    // Newest first: feedback is mostly about what was predicted lately.
    for (const info of made.reverse()) {
      const places = await this.#placesOf(info, id.sequence);
      // A worker's numbers grow from segment to segment.
      if (places.first === undefined || places.first > id.sequence) continue;
      const offset = places.offsets[id.sequence - places.first];
      if (offset === undefined) return undefined;
      const frame = await this.#frameAt(info, offset);
      return frame?.time === id.time ? frame : undefined;
    }
    return undefined;
  }

  /** Undefined when the segment has been compacted and removed since it was listed. */
  async #frameAt({ segment }: SegmentInfo, offset: number): Promise<PredictionFrame | undefined> {
    try {
      return decodePrediction(await readFrameAt(this.#directory, { segment, offset }));
    } catch (thrown) {
      if (storageErrors.STORAGE_LOG_NO_FRAME.is(thrown)) return undefined;
      throw thrown;
    }
  }

  /** Reads on in a segment as far as it may hold the sequence number. */
  async #placesOf(info: SegmentInfo, sequence: number): Promise<SegmentPlaces> {
    const places = this.#segments.get(info.segment) ?? {
      info,
      offsets: [],
      first: undefined,
      last: -1,
      end: 0,
    };
    this.#segments.delete(info.segment);
    this.#segments.set(info.segment, places);
    if ((places.first !== undefined && sequence < places.first) || sequence <= places.last) return places;
    for await (const { segment, offset, frame } of readSegments(this.#directory, {
      prefix: PREDICTION_LOG,
      incarnation: info.incarnation,
      from: { segment: info.segment, offset: places.end },
      // What is damaged is found by nobody; whoever reads the log for its own sake reports it.
      onDamage: () => undefined,
    })) {
      if (segment !== info.segment) break;
      places.end = offset;
      const peeked = peekFrame(frame);
      if (peeked.kind !== KIND_PREDICTION) continue;
      places.first ??= peeked.sequence;
      places.last = peeked.sequence;
      places.offsets[peeked.sequence - places.first] = offset;
      // All that this segment holds comes behind.
      if (places.first > sequence) break;
    }
    this.#forget();
    return places;
  }

  #forget(): void {
    let places = 0;
    for (const { offsets } of this.#segments.values()) places += offsets.length;
    for (const [segment, { offsets }] of this.#segments) {
      if (places <= MOST_PLACES || this.#segments.size === 1) return;
      places -= offsets.length;
      this.#segments.delete(segment);
    }
  }
}
