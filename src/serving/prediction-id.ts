import { type Clock, encodeBase32, entropy } from "../kernel/index.ts";
import { servingErrors } from "./errors.ts";

/**
 * Prediction ids: 24 digits of Crockford base 32 in three groups,
 *
 *     10 time of the group commit, epoch ms | 6 end of the worker's incarnation | 8 sequence number in that incarnation
 *
 * and, to name one instance of a batch, `.` and its index. Ids sort by time. The incarnation names the log segments
 * the prediction stands in, the sequence number its place among their frames: looking one up scans one segment.
 */
const TIME_DIGITS = 10;
const INCARNATION_DIGITS = 6;
const SEQUENCE_DIGITS = 8;
const PAIR_DIGITS = 2;
const PAIRS = 1024;

const PATTERN =
  /^([0-9a-hjkmnp-tv-z]{10})([0-9a-hjkmnp-tv-z]{6})([0-9a-hjkmnp-tv-z]{8})(?:\.(0|[1-9]\d{0,8}))?$/;

/** Every two digits. */
const PAIR_TEXTS = Array.from({ length: PAIRS }, (_, pair) => encodeBase32(BigInt(pair), PAIR_DIGITS));

export interface PredictionId {
  /** Epoch milliseconds. */
  readonly time: number;
  /** The last digits of the incarnation of the worker that answered. */
  readonly incarnationTail: string;
  /** 0, 1, … over the requests of that incarnation. */
  readonly sequence: number;
  /** Which instance of a batch; undefined when the id names the whole request. */
  readonly instance: number | undefined;
}

/** Names one life of a worker: its start time and six random digits, so that the names of its segments sort by time. */
export function newIncarnation(clock: Clock): string {
  const random = BigInt(entropy(4).readUInt32LE() & 0x3fffffff);
  return encodeBase32(BigInt(Math.trunc(clock())), TIME_DIGITS) + encodeBase32(random, INCARNATION_DIGITS);
}

export function incarnationTail(incarnation: string): string {
  return incarnation.slice(-INCARNATION_DIGITS);
}

/** When a worker began this life of it, epoch milliseconds. */
export function incarnationStart(incarnation: string): number {
  return decodeBase32(incarnation.slice(0, TIME_DIGITS));
}

/** Writes the ids of one incarnation. Ids of one millisecond share their first 22 digits, which are written once. */
export class PredictionIds {
  readonly #tail: string;
  #time = -1;
  #headOfSequence = -1;
  #head = "";

  constructor(incarnation: string) {
    this.#tail = incarnationTail(incarnation);
  }

  write(time: number, sequence: number): string {
    const headOfSequence = Math.floor(sequence / PAIRS);
    if (time !== this.#time || headOfSequence !== this.#headOfSequence) {
      this.#time = time;
      this.#headOfSequence = headOfSequence;
      this.#head =
        digitsOf(time, TIME_DIGITS) + this.#tail + digitsOf(headOfSequence, SEQUENCE_DIGITS - PAIR_DIGITS);
    }
    return this.#head + PAIR_TEXTS[sequence % PAIRS]!;
  }
}

/** What `encodeBase32` writes, without big integers: ids are written on the hot path. */
function digitsOf(value: number, digits: number): string {
  let text = "";
  let rest = value;
  for (let written = 0; written < digits; written += PAIR_DIGITS) {
    text = PAIR_TEXTS[rest % PAIRS]! + text;
    rest = Math.floor(rest / PAIRS);
  }
  return text;
}

/** @throws SERVING_BAD_PREDICTION_ID */
export function parsePredictionId(text: string): PredictionId {
  const match = PATTERN.exec(text);
  if (match === null) {
    throw servingErrors.SERVING_BAD_PREDICTION_ID.error(
      `"${text.slice(0, 80)}" is not a prediction id: those are 24 digits and letters, and ".<index>" for one instance of a batch`,
      { details: { id: text.slice(0, 80) } },
    );
  }
  return {
    time: decodeBase32(match[1]!),
    incarnationTail: match[2]!,
    sequence: decodeBase32(match[3]!),
    instance: match[4] === undefined ? undefined : Number(match[4]),
  };
}

/** The number that the last digits of an incarnation write. */
export function decodeBase32Tail(tail: string): number {
  return decodeBase32(tail);
}

function decodeBase32(digits: string): number {
  let value = 0;
  for (const digit of digits) value = value * 32 + "0123456789abcdefghjkmnpqrstvwxyz".indexOf(digit);
  return value;
}
