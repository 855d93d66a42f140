import { hash } from "node:crypto";
import { type Clock, entropy, SlipwayError } from "../kernel/index.ts";
import { MAX_FRAME_BYTES, openSegmentWriter, type SegmentWriter, storageErrors } from "../storage/index.ts";
import { servingErrors } from "./errors.ts";
import { LogRoom } from "./log-room.ts";
import {
  completeHeader,
  completeSeal,
  completeStreamSequence,
  DIGEST_BYTES,
  type FrameWindows,
  frameBytes,
  PAYLOAD_PREFIX_BYTES,
  SALT_BYTES,
  sealTemplate,
  writeLatin1,
} from "./prediction-frame.ts";
import { incarnationTail, PredictionIds } from "./prediction-id.ts";
import { drawOf, type Kept, workerSeed } from "./sampling.ts";

/** The log's name in the file names of its segments. */
export const PREDICTION_LOG = "predictions";

const SALTS_PER_DRAW = 512;
const INITIAL_FRAME_BYTES = 64 * 1024;
/** A frame buffer that a large batch made larger than this is not kept. */
const LARGEST_KEPT_FRAME_BYTES = 1024 * 1024;

/** Whoever must not answer before the log has the prediction. Exactly one of the two is called, once. */
export interface Waiting {
  /** When its client stops waiting, by `monotonicMs`. Default: never. */
  readonly deadline?: number;
  /** The frame has been handed to the operating system, or may be left out; `kept` says what the log has of it. */
  acknowledge(kept: Kept): void;
  /** SERVING_LOG_FULL or SERVING_LOG_UNWRITABLE: the prediction must not be answered. */
  refuse(error: SlipwayError): void;
}

export interface PredictionLogOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly incarnation: string;
  readonly durability: "os" | "fsync";
  readonly maxSegmentBytes?: number;
  readonly maxSegmentMs?: number;
  /** Most bytes of all segments in the directory: beyond them the disk counts as full. Default: no bound. */
  readonly maxLogBytes?: number;
  /** `serve-unlogged`: while the disk is full, predictions are acknowledged all the same. Default `refuse`. */
  readonly onFull?: "refuse" | "serve-unlogged";
  /** Called at the end of a turn in which something was appended. */
  readonly onFlush?: () => void;
}

/** Requests and groups of a worker since it began. */
export interface LogCounts {
  /** Requests that are in the log, those of which only the header was kept among them. */
  readonly predictions: number;
  /** Those of which only the header was kept. */
  readonly sampledOut: number;
  /** Requests that were answered without being logged, because the disk was full. */
  readonly unlogged: number;
  readonly groups: number;
  readonly failedGroups: number;
  readonly bytes: number;
}

/**
 * Writes the prediction log of one worker. Frames are collected during a turn of the event loop and written by one
 * system call at its end, which also acknowledges them: a group commit without a timer.
 */
export class PredictionLog {
  readonly incarnation: string;
  readonly #clock: Clock;
  readonly #ids: PredictionIds;
  readonly #writer: SegmentWriter;
  readonly #seal: Buffer;
  readonly #onFlush: (() => void) | undefined;
  #frame = openFrame(INITIAL_FRAME_BYTES);
  /** The chain's value, then the headers of the group: what the next value is the hash of. */
  #chained = Buffer.alloc(16 * 1024);
  #chainedEnd = DIGEST_BYTES;
  #salts = entropy(0);
  #nextSalt = 0;
  #sequence = 0;
  #groupTime = 0;
  #waiting: Waiting[] = [];
  #acknowledging: Waiting[] = [];
  #counts = { predictions: 0, sampledOut: 0, unlogged: 0, groups: 0, failedGroups: 0, bytes: 0 };
  readonly #onFull: "refuse" | "serve-unlogged";
  readonly #room: LogRoom | undefined;
  readonly #seed: number;
  /** Of the open group, whoever's payload was left out; mostly nobody. */
  readonly #sampledOut = new Set<Waiting>();

  /** The frame under construction. */
  #template: Buffer = Buffer.alloc(0);
  #share = 1;
  #instances = 0;
  #windowsAt = 0;
  #featuresAt = 0;
  #outputsAt = 0;
  #end = 0;

  constructor(options: PredictionLogOptions) {
    this.incarnation = options.incarnation;
    this.#clock = options.clock;
    this.#ids = new PredictionIds(options.incarnation);
    this.#onFlush = options.onFlush;
    this.#seal = sealTemplate(options.incarnation);
    this.#seed = workerSeed(incarnationTail(options.incarnation));
    this.#onFull = options.onFull ?? "refuse";
    this.#room =
      options.maxLogBytes === undefined
        ? undefined
        : new LogRoom(
            { directory: options.directory, prefix: PREDICTION_LOG },
            options.maxLogBytes,
            options.clock,
          );
    this.#writer = openSegmentWriter({ ...options, prefix: PREDICTION_LOG });
  }

  get counts(): LogCounts {
    return this.#counts;
  }

  /** Starts a frame. Every instance is `put` next, then `append` ends it; starting another one abandons it. */
  begin(
    template: Buffer,
    parts: {
      instances: number;
      featureCount: number;
      width: number;
      input: Uint8Array;
      /** For a model with windows: behind which event of the stream they stand, and how many derived values they give. */
      windows?: FrameWindows | undefined;
      /** The share of the model's requests that is kept in full. Default 1. What windows have seen is always kept. */
      share?: number | undefined;
    },
  ): void {
    const { instances, featureCount, width, input, windows, share = 1 } = parts;
    const headerBytes = template.length;
    const windowValues = windows === undefined ? 0 : 1 + windows.derivedCount;
    const inputBytes = input.length;
    const length = frameBytes({ headerBytes, instances, featureCount, width, windowValues, inputBytes });
    if (length > MAX_FRAME_BYTES) throw tooLong(instances, length);
    if (length > this.#frame.bytes.length)
      this.#frame = openFrame(Math.max(length, this.#frame.bytes.length * 2));
    const { bytes, view } = this.#frame;
    if (this.#nextSalt === this.#salts.length) this.#drawSalts();
    bytes.set(template, 0);
    this.#salts.copy(bytes, headerBytes, this.#nextSalt, this.#nextSalt + SALT_BYTES);
    this.#nextSalt += SALT_BYTES;
    view.setUint32(headerBytes + SALT_BYTES, input.length, true);
    view.setUint32(headerBytes + SALT_BYTES + 4, width - 1, true);
    bytes.set(input, length - input.length);
    this.#template = template;
    this.#share = windows === undefined ? share : 1;
    this.#instances = instances;
    if (windows !== undefined) completeStreamSequence(view, windows.streamSequence);
    this.#windowsAt = headerBytes + PAYLOAD_PREFIX_BYTES;
    this.#featuresAt = this.#windowsAt + instances * windowValues * 8;
    this.#outputsAt = this.#featuresAt + instances * featureCount * 8;
    this.#end = length;
  }

  /** What the windows said to the next instance: when it happened, NaN where its time is missing, and its derived values. */
  putWindows(timeMs: number, derived: Float64Array): void {
    this.#frame.view.setFloat64(this.#windowsAt, timeMs, true);
    this.#windowsAt += 8;
    for (let i = 0; i < derived.length; i++) {
      this.#frame.view.setFloat64(this.#windowsAt, derived[i]!, true);
      this.#windowsAt += 8;
    }
  }

  /** The next instance's features, as bytes, and its output. */
  put(features: Uint8Array, output: number): void {
    this.#frame.bytes.set(features, this.#featuresAt);
    this.#featuresAt += features.length;
    this.#frame.view.setFloat64(this.#outputsAt, output, true);
    this.#outputsAt += 8;
  }

  /** The same for a model of several outputs. */
  putAll(features: Uint8Array, outputs: Float64Array): void {
    this.#frame.bytes.set(features, this.#featuresAt);
    this.#featuresAt += features.length;
    for (let i = 0; i < outputs.length; i++) {
      this.#frame.view.setFloat64(this.#outputsAt, outputs[i]!, true);
      this.#outputsAt += 8;
    }
  }

  /** Ends the frame and answers the prediction's id. `waiting` hears of the write at the end of this turn. */
  append(waiting: Waiting): string {
    const { bytes, view } = this.#frame;
    const headerBytes = this.#template.length;
    if (this.#waiting.length === 0) {
      this.#groupTime = Math.trunc(this.#clock());
      setImmediate(() => this.flush());
    }
    const sequence = this.#sequence++;
    const isKept = this.#share >= 1 || drawOf(this.#seed, sequence) < this.#share;
    const end = isKept ? this.#end : headerBytes;
    const payloadDigest = isKept ? hash("sha256", bytes.subarray(headerBytes, end), "latin1") : NO_DIGEST;
    completeHeader(
      { bytes, view },
      { instances: this.#instances, time: this.#groupTime, sequence, payloadDigest },
    );
    this.#writer.append(bytes.subarray(0, end));
    if (!isKept) this.#sampledOut.add(waiting);
    this.#rememberHeader(bytes, headerBytes);
    this.#waiting.push(waiting);
    if (bytes.length > LARGEST_KEPT_FRAME_BYTES) this.#frame = openFrame(INITIAL_FRAME_BYTES);
    return this.#ids.write(this.#groupTime, sequence);
  }

  /** Writes what this turn appended, and answers everybody who waits for it. */
  flush(): void {
    const group = this.#waiting;
    if (group.length === 0) return;
    this.#onFlush?.();
    this.#waiting = this.#acknowledging;
    this.#acknowledging = group;
    const error = this.#commit(group.length);
    if (error === undefined) {
      if (this.#sampledOut.size === 0) for (const waiting of group) waiting.acknowledge("full");
      else this.#acknowledgeSample(group);
    } else if (this.#onFull === "serve-unlogged" && servingErrors.SERVING_LOG_FULL.is(error)) {
      this.#counts.unlogged += group.length;
      for (const waiting of group) waiting.acknowledge("unlogged");
    } else for (const waiting of group) waiting.refuse(error);
    this.#sampledOut.clear();
    group.length = 0;
  }

  #acknowledgeSample(group: readonly Waiting[]): void {
    this.#counts.sampledOut += this.#sampledOut.size;
    for (const waiting of group) waiting.acknowledge(this.#sampledOut.has(waiting) ? "sampled-out" : "full");
  }

  /** Writes what is left and closes the segment. */
  close(): void {
    this.flush();
    this.#writer.close();
  }

  #commit(predictions: number): SlipwayError | undefined {
    const after = hash("sha256", this.#chained.subarray(0, this.#chainedEnd), "latin1");
    this.#chainedEnd = DIGEST_BYTES;
    const firstSequence = this.#sequence - predictions;
    const before = this.#chained.subarray(0, DIGEST_BYTES);
    completeSeal(this.#seal, { firstSequence, predictions, before, after });
    this.#writer.append(this.#seal);
    const bytes = this.#writer.pendingBytes;
    if (this.#room?.isFull(this.#writer.segment) === true) {
      this.#writer.discard();
      this.#counts.failedGroups++;
      return noRoom();
    }
    try {
      this.#writer.flushSync();
    } catch (thrown) {
      this.#counts.failedGroups++;
      return refusal(thrown);
    }
    writeLatin1(this.#chained, after, 0);
    this.#counts.predictions += predictions;
    this.#counts.groups++;
    this.#counts.bytes += bytes;
    return undefined;
  }

  #rememberHeader(frame: Buffer, headerBytes: number): void {
    const end = this.#chainedEnd + headerBytes;
    if (end > this.#chained.length) {
      const grown = Buffer.alloc(Math.max(end, this.#chained.length * 2));
      this.#chained.copy(grown, 0, 0, this.#chainedEnd);
      this.#chained = grown;
    }
    frame.copy(this.#chained, this.#chainedEnd, 0, headerBytes);
    this.#chainedEnd = end;
  }

  #drawSalts(): void {
    this.#salts = entropy(SALTS_PER_DRAW * SALT_BYTES);
    this.#nextSalt = 0;
  }
}

interface OpenFrame {
  readonly bytes: Buffer;
  readonly view: DataView;
}

function openFrame(length: number): OpenFrame {
  const bytes = Buffer.allocUnsafeSlow(length);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

function tooLong(instances: number, bytes: number): SlipwayError {
  return servingErrors.SERVING_TOO_MANY_INSTANCES.error(
    `${instances} instances with their features take ${bytes} bytes in the prediction log, which has room for ${MAX_FRAME_BYTES} in one request`,
    {
      details: { instances, bytes, limit: MAX_FRAME_BYTES },
      hint: "Send the instances in several requests.",
    },
  );
}

/** Of a frame without payload, as a latin1 text. */
const NO_DIGEST = "\0".repeat(DIGEST_BYTES);

function noRoom(): SlipwayError {
  return servingErrors.SERVING_LOG_FULL.error(
    "the prediction could not be logged because the prediction log takes all the room that it may have",
    {
      hint: "Old predictions are removed by the control plane, so see that it runs; or allow more: SLIPWAY_LOG_MAX.",
    },
  );
}

function refusal(thrown: unknown): SlipwayError {
  const details = thrown instanceof SlipwayError ? { cause: thrown.code } : {};
  if (storageErrors.STORAGE_LOG_FULL.is(thrown)) {
    return servingErrors.SERVING_LOG_FULL.error(
      "the prediction could not be logged because the disk of the prediction log is full",
      { details, cause: thrown, hint: "Free space on that disk; serving goes on by itself then." },
    );
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return servingErrors.SERVING_LOG_UNWRITABLE.error(`the prediction could not be logged: ${reason}`, {
    details,
    cause: thrown,
  });
}
