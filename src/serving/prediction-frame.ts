import { type Digest, digestOf } from "../kernel/index.ts";
import type { RecommendRequest } from "./candidates.ts";
import { servingErrors } from "./errors.ts";
import { incarnationTail, PredictionIds } from "./prediction-id.ts";

/**
 * The frames of the prediction log. All numbers are little-endian; frames begin at any offset of a segment.
 *
 *     prediction  header   u8 kind = 1 | u8 layout = 1 | u16 header bytes h, a multiple of 8
 *                          | u32 instances n | f64 time, epoch ms | f64 sequence | u32 version | u32 features f
 *                          | 16 incarnation (ASCII) | 32 bundle digest | 32 sha256(salt ‖ rest of the payload)
 *                          | u8 bytes of the model's name | u8 bytes of the arm's name | both names | zeros up to h
 *                 payload  16 salt | u32 bytes of the input | u32 outputs of an instance − 1 = m − 1
 *                          | n × f f64 features, instance by instance | n × m f64 outputs | input: JSON, a list of n records,
 *                          or {"records": that list, "texts": […]} where outputs are places in a list of texts, or
 *                          {"records": that list, "recommend": request} where they are the best answers to a request
 *
 * Layout 2 is that of models with windows: what the windows said is logged with the prediction.
 *
 *     prediction  header   the same up to the payload's digest | f64 number of the last event of the stream that was applied
 *                          | u32 derived values d | u32 zero | names as in layout 1
 *                 payload  16 salt | u32 bytes of the input | u32 m − 1
 *                          | n × (1 + d) f64: when the row happened, epoch ms or NaN, then its derived values
 *                          | n × f f64 features | n × m f64 outputs | input
 *
 *     seal        u8 kind = 2 | u8 layout = 1 | u16 bytes = 96 | u32 predictions in the group | f64 first sequence
 *                          | 16 incarnation | 32 chain value before the group | 32 chain value after it
 *
 * A prediction without payload has been forgotten: its header stays, so that the chain still holds. One that never had any,
 * because the model's log is a sample, has a payload digest of zeros. The chain covers
 * headers only: value after = sha256(value before ‖ headers of the group in order). An incarnation starts from zeros.
 */
export const KIND_PREDICTION = 1;
export const KIND_SEAL = 2;
const LAYOUT = 1;
const LAYOUT_WITH_WINDOWS = 2;

const AT_INSTANCES = 4;
const AT_TIME = 8;
const AT_SEQUENCE = 16;
const AT_VERSION = 24;
const AT_FEATURES = 28;
const AT_INCARNATION = 32;
const AT_BUNDLE = 48;
const AT_PAYLOAD_DIGEST = 80;
const AT_NAMES = 112;
/** Only in the layout with windows, where the names come after them. */
const AT_STREAM_SEQUENCE = 112;
const AT_DERIVED = 120;
const WINDOWS_BYTES = 16;

export const INCARNATION_BYTES = 16;
export const DIGEST_BYTES = 32;
export const SALT_BYTES = 16;
/** Salt, length of the input and number of outputs. */
export const PAYLOAD_PREFIX_BYTES = SALT_BYTES + 8;
export const SEAL_BYTES = 96;

/** What all predictions of one arm have in common; see `headerTemplate`. */
export interface FrameSubject {
  readonly incarnation: string;
  readonly model: string;
  readonly version: number;
  readonly bundle: Digest;
  readonly arm: string;
  readonly featureCount: number;
  /** Number of derived values of an instance; given for a model with windows only. */
  readonly derivedCount?: number;
}

/** A header with everything but instances, time, sequence and payload digest filled in. */
export function headerTemplate(subject: FrameSubject): Buffer {
  const model = Buffer.from(subject.model);
  const arm = Buffer.from(subject.arm);
  const { derivedCount } = subject;
  const namesAt = derivedCount === undefined ? AT_NAMES : AT_NAMES + WINDOWS_BYTES;
  const length = Math.ceil((namesAt + 2 + model.length + arm.length) / 8) * 8;
  const header = Buffer.alloc(length);
  header.writeUInt8(KIND_PREDICTION, 0);
  header.writeUInt8(derivedCount === undefined ? LAYOUT : LAYOUT_WITH_WINDOWS, 1);
  if (derivedCount !== undefined) header.writeUInt32LE(derivedCount, AT_DERIVED);
  header.writeUInt16LE(length, 2);
  header.writeUInt32LE(subject.version, AT_VERSION);
  header.writeUInt32LE(subject.featureCount, AT_FEATURES);
  header.write(subject.incarnation, AT_INCARNATION, INCARNATION_BYTES, "latin1");
  header.write(subject.bundle, AT_BUNDLE, DIGEST_BYTES, "hex");
  header.writeUInt8(model.length, namesAt);
  header.writeUInt8(arm.length, namesAt + 1);
  model.copy(header, namesAt + 2);
  arm.copy(header, namesAt + 2 + model.length);
  return header;
}

/** Bytes of a prediction's frame. */
export function frameBytes(parts: {
  readonly headerBytes: number;
  readonly instances: number;
  readonly featureCount: number;
  /** Outputs of an instance. */
  readonly width: number;
  /** What the windows said to an instance, its time among it. Default 0. */
  readonly windowValues?: number;
  readonly inputBytes: number;
}): number {
  return (
    parts.headerBytes +
    PAYLOAD_PREFIX_BYTES +
    parts.instances * (parts.featureCount + parts.width + (parts.windowValues ?? 0)) * 8 +
    parts.inputBytes
  );
}

/** Fills in what `headerTemplate` left open, in a frame that begins at offset 0 of `view`. */
export function completeHeader(
  frame: { readonly bytes: Buffer; readonly view: DataView },
  fields: {
    readonly instances: number;
    readonly time: number;
    readonly sequence: number;
    /** The 32 bytes as a latin1 text, which the hash function hands out fastest. */
    readonly payloadDigest: string;
  },
): void {
  frame.view.setUint32(AT_INSTANCES, fields.instances, true);
  frame.view.setFloat64(AT_TIME, fields.time, true);
  frame.view.setFloat64(AT_SEQUENCE, fields.sequence, true);
  writeLatin1(frame.bytes, fields.payloadDigest, AT_PAYLOAD_DIGEST);
}

/** Fills in which event of the stream was the last one applied, in a header of the layout with windows. */
export function completeStreamSequence(view: DataView, sequence: number): void {
  view.setFloat64(AT_STREAM_SEQUENCE, sequence, true);
}

/** True for a prediction by a model with windows. */
export function hasWindows(frame: Buffer): boolean {
  return frame.length > 1 && frame[0] === KIND_PREDICTION && frame[1] === LAYOUT_WITH_WINDOWS;
}

/** One logged request: the header's facts, and the payload unless it has been forgotten. */
export interface PredictionFrame {
  readonly id: string;
  /** Epoch milliseconds of the group commit. */
  readonly time: number;
  readonly incarnation: string;
  readonly sequence: number;
  readonly model: string;
  readonly version: number;
  readonly bundle: Digest;
  readonly arm: string;
  readonly instances: number;
  readonly featureCount: number;
  /** Undefined for a model without windows. */
  readonly windows: FrameWindows | undefined;
  /** Hexadecimal sha256 of salt and payload, as the header promises it. */
  readonly payloadDigest: string;
  /** Undefined when it has been forgotten. */
  readonly payload: PredictionPayload | undefined;
  /** The bytes that the hash chain covers. */
  readonly header: Buffer;
}

export interface FrameWindows {
  /** The number of the last event of the stream that had been applied. */
  readonly streamSequence: number;
  /** Derived values of an instance. */
  readonly derivedCount: number;
}

export interface PredictionPayload {
  /** JSON: a list of records, as they were received when the protocol allows it. */
  readonly input: Buffer;
  /** Instance by instance, `featureCount` values each. */
  readonly features: Float64Array;
  /** Outputs of an instance. */
  readonly width: number;
  /** Instance by instance, `width` values each. */
  readonly outputs: Float64Array;
  /** Instance by instance when the row happened, epoch ms or NaN; empty for a model without windows. */
  readonly times: Float64Array;
  /** Instance by instance, `derivedCount` values each, NaN where missing. */
  readonly derived: Float64Array;
  /** False when the payload's bytes are not those that the header's digest was made of. */
  readonly intact: boolean;
}

/** The input of a frame whose outputs are places in `texts`. @param records JSON, a list of records */
export function inputWithTexts(records: Uint8Array, texts: readonly string[]): Buffer {
  return Buffer.concat([
    Buffer.from('{"records":'),
    records,
    Buffer.from(`,"texts":${JSON.stringify(texts)}}`),
  ]);
}

/** The input of a frame that recommends. @param records of the answers, the best first */
export function inputOfRecommendation(records: readonly unknown[], request: RecommendRequest): Buffer {
  return Buffer.from(JSON.stringify({ records, recommend: request }));
}

export interface FrameInput {
  readonly records: readonly unknown[];
  readonly texts: readonly string[];
  /** What the records are the best answers to. Those are no rows that happened. */
  readonly recommend?: RecommendRequest;
}

/** What the input of a frame holds, or undefined when it is none. */
export function readInput(input: Buffer): FrameInput | undefined {
  let value: unknown;
  try {
    value = JSON.parse(input.toString("utf8"));
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  if (Array.isArray(value)) return { records: value, texts: [] };
  if (typeof value !== "object" || value === null) return undefined;
  const { records, texts = [], recommend } = value as { [Name in keyof FrameInput]?: unknown };
  if (!Array.isArray(records) || !Array.isArray(texts)) return undefined;
  return {
    records,
    texts: texts.map(String),
    // The payload's digest says that these are the bytes that were logged.
    ...(recommend === undefined ? {} : { recommend: recommend as RecommendRequest }),
  };
}

/** Closes a group commit. */
export interface SealFrame {
  readonly incarnation: string;
  readonly firstSequence: number;
  readonly predictions: number;
  readonly before: Buffer;
  readonly after: Buffer;
}

export function encodeSeal(seal: SealFrame): Buffer {
  const bytes = sealTemplate(seal.incarnation);
  completeSeal(bytes, { ...seal, after: seal.after.toString("latin1") });
  return bytes;
}

/** A seal with everything but group and chain filled in. */
export function sealTemplate(incarnation: string): Buffer {
  const bytes = Buffer.alloc(SEAL_BYTES);
  bytes.writeUInt8(KIND_SEAL, 0);
  bytes.writeUInt8(LAYOUT, 1);
  bytes.writeUInt16LE(SEAL_BYTES, 2);
  bytes.write(incarnation, 16, INCARNATION_BYTES, "latin1");
  return bytes;
}

export function completeSeal(
  bytes: Buffer,
  fields: Pick<SealFrame, "firstSequence" | "predictions" | "before"> & {
    /** As a latin1 text. */
    readonly after: string;
  },
): void {
  bytes.writeUInt32LE(fields.predictions, 4);
  bytes.writeDoubleLE(fields.firstSequence, 8);
  bytes.set(fields.before, 32);
  writeLatin1(bytes, fields.after, 64);
}

/** `bytes.write(text, offset, "latin1")`, which takes ten times as long to find out that it is this. */
export function writeLatin1(bytes: Buffer, text: string, offset: number): void {
  (bytes as Buffer & Latin1Writer).latin1Write(text, offset, text.length);
}

/** Every Buffer has this method; its type declarations leave it out. */
interface Latin1Writer {
  latin1Write(text: string, offset: number, length: number): number;
}

/** True for a request of which only the header was logged, because the log of its model is a sample. */
export function isSampledOut({ payload, payloadDigest }: PredictionFrame): boolean {
  return payload === undefined && payloadDigest === NO_DIGEST;
}

const NO_DIGEST = "0".repeat(2 * DIGEST_BYTES);

/** The kind, layout and sequence of a frame, without decoding the rest. @throws SERVING_BAD_FRAME */
export function peekFrame(frame: Buffer): {
  readonly kind: number;
  readonly sequence: number;
  readonly time: number;
} {
  const kind = frame.length < AT_VERSION ? 0 : frame.readUInt8(0);
  if (kind === KIND_PREDICTION)
    return { kind, sequence: frame.readDoubleLE(AT_SEQUENCE), time: frame.readDoubleLE(AT_TIME) };
  if (kind === KIND_SEAL) return { kind, sequence: frame.readDoubleLE(8), time: Number.NaN };
  throw badFrame(`its kind is ${kind}`);
}

/** The bundle that made a prediction, without decoding its frame; undefined for frames of other kinds. */
export function bundleOf(frame: Buffer): Digest | undefined {
  if (frame.length < AT_NAMES || frame.readUInt8(0) !== KIND_PREDICTION) return undefined;
  return frame.toString("hex", AT_BUNDLE, AT_BUNDLE + DIGEST_BYTES) as Digest;
}

/** @throws SERVING_BAD_FRAME when it is not a prediction's frame of a layout that this version reads */
export function decodePrediction(frame: Buffer): PredictionFrame {
  if (frame.length < AT_NAMES || frame.readUInt8(0) !== KIND_PREDICTION)
    throw badFrame("it is not a prediction");
  const layout = frame.readUInt8(1);
  if (layout !== LAYOUT && layout !== LAYOUT_WITH_WINDOWS) throw badFrame(`its layout is ${layout}`);
  const headerBytes = frame.readUInt16LE(2);
  const withWindows = hasWindows(frame);
  const namesAt = withWindows ? AT_NAMES + WINDOWS_BYTES : AT_NAMES;
  if (frame.length < namesAt + 2) throw badFrame(`it has only ${frame.length} bytes`);
  const windows = withWindows
    ? { streamSequence: frame.readDoubleLE(AT_STREAM_SEQUENCE), derivedCount: frame.readUInt32LE(AT_DERIVED) }
    : undefined;
  const modelAt = namesAt + 2;
  const armAt = modelAt + frame.readUInt8(namesAt);
  const namesEnd = armAt + frame.readUInt8(namesAt + 1);
  if (headerBytes > frame.length || headerBytes < namesEnd)
    throw badFrame(`its header claims ${headerBytes} bytes`);
  const time = frame.readDoubleLE(AT_TIME);
  const sequence = frame.readDoubleLE(AT_SEQUENCE);
  const incarnation = frame.toString("latin1", AT_INCARNATION, AT_INCARNATION + INCARNATION_BYTES);
  const instances = frame.readUInt32LE(AT_INSTANCES);
  const featureCount = frame.readUInt32LE(AT_FEATURES);
  const payloadDigest = frame.toString("hex", AT_PAYLOAD_DIGEST, AT_PAYLOAD_DIGEST + DIGEST_BYTES);
  if (!Number.isSafeInteger(time) || !Number.isSafeInteger(sequence) || sequence < 0)
    throw badFrame("its time or sequence is no integer");
  return {
    id: new PredictionIds(incarnation).write(time, sequence),
    time,
    incarnation,
    sequence,
    model: frame.toString("utf8", modelAt, armAt),
    version: frame.readUInt32LE(AT_VERSION),
    bundle: frame.toString("hex", AT_BUNDLE, AT_BUNDLE + DIGEST_BYTES) as Digest,
    arm: frame.toString("utf8", armAt, namesEnd),
    instances,
    featureCount,
    windows,
    payloadDigest,
    payload:
      frame.length === headerBytes
        ? undefined
        : decodePayload(frame.subarray(headerBytes), { instances, featureCount, payloadDigest, windows }),
    header: frame.subarray(0, headerBytes),
  };
}

function decodePayload(
  bytes: Buffer,
  expected: Pick<PredictionFrame, "instances" | "featureCount" | "payloadDigest" | "windows">,
): PredictionPayload {
  const { instances, featureCount, windows } = expected;
  const windowValues = windows === undefined ? 0 : 1 + windows.derivedCount;
  const inputBytes = bytes.length < PAYLOAD_PREFIX_BYTES ? -1 : bytes.readUInt32LE(SALT_BYTES);
  const width = bytes.length < PAYLOAD_PREFIX_BYTES ? 1 : (bytes.readUInt32LE(SALT_BYTES + 4) + 1) >>> 0;
  const length = frameBytes({ headerBytes: 0, instances, featureCount, width, windowValues, inputBytes });
  if (inputBytes < 0 || bytes.length !== length)
    throw badFrame(`its payload has ${bytes.length} bytes where its header means ${length}`);
  const featuresAt = PAYLOAD_PREFIX_BYTES + instances * windowValues * 8;
  const outputsAt = featuresAt + instances * featureCount * 8;
  const inputAt = outputsAt + instances * width * 8;
  const said = floatsAt(bytes, PAYLOAD_PREFIX_BYTES, instances * windowValues);
  return {
    times: said.filter((_, at) => at % windowValues === 0),
    derived: said.filter((_, at) => at % windowValues !== 0),
    features: floatsAt(bytes, featuresAt, instances * featureCount),
    width,
    outputs: floatsAt(bytes, outputsAt, instances * width),
    input: bytes.subarray(inputAt),
    intact: digestOf(bytes) === expected.payloadDigest,
  };
}

/** Copies, because frames begin at any offset and typed arrays do not. */
function floatsAt(bytes: Buffer, offset: number, count: number): Float64Array {
  const floats = new Float64Array(count);
  new Uint8Array(floats.buffer).set(bytes.subarray(offset, offset + count * 8));
  return floats;
}

/** @throws SERVING_BAD_FRAME */
export function decodeSeal(frame: Buffer): SealFrame {
  if (frame.length !== SEAL_BYTES || frame.readUInt8(0) !== KIND_SEAL || frame.readUInt8(1) !== LAYOUT)
    throw badFrame("it is not a seal");
  return {
    predictions: frame.readUInt32LE(4),
    firstSequence: frame.readDoubleLE(8),
    incarnation: frame.toString("latin1", 16, 16 + INCARNATION_BYTES),
    before: frame.subarray(32, 64),
    after: frame.subarray(64, 96),
  };
}

/** Whether a segment's incarnation is the one a prediction id was made by. */
export function isMadeBy(incarnation: string, tail: string): boolean {
  return incarnationTail(incarnation) === tail;
}

function badFrame(fault: string): Error {
  return servingErrors.SERVING_BAD_FRAME.error(`bad frame in the prediction log: ${fault}`, {
    details: { fault },
  });
}
