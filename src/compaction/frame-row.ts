import { isUtf8 } from "node:buffer";
import type { Digest } from "../kernel/index.ts";
import {
  completeHeader,
  completeStreamSequence,
  decodePrediction,
  frameBytes,
  headerTemplate,
  PAYLOAD_PREFIX_BYTES,
  type PredictionFrame,
  SALT_BYTES,
} from "../serving/index.ts";

/**
 * A logged request as a row: what its frame holds, so that the frame can be made again byte for byte.
 * Columns of the payload are null where it has been forgotten or was sampled out.
 */
export interface FrameRow {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly model: string;
  readonly version: number;
  readonly arm: string;
  readonly bundle: string;
  readonly incarnation: string;
  readonly sequence: number;
  readonly instances: number;
  readonly featureCount: number;
  /** Outputs of an instance. */
  readonly width: number | null;
  /** Null for a model without windows, as is `streamSequence`. */
  readonly derivedCount: number | null;
  readonly streamSequence: number | null;
  /** Instance by instance, as `outputs` and `windowValues`: the time of the row, then what the windows said. */
  readonly features: Float64Array | null;
  readonly outputs: Float64Array | null;
  readonly windowValues: Float64Array | null;
  /** UTF-8. */
  readonly input: Uint8Array | null;
  readonly salt: Uint8Array | null;
  readonly payloadDigest: Uint8Array;
  /** The frame itself where the other columns do not make it again. */
  readonly frame: Uint8Array | null;
}

const DIGEST_BYTES = 32;
const AT_PAYLOAD_DIGEST = 80;

/** @throws SERVING_BAD_FRAME when it is not a prediction's frame of a layout that this version reads */
export function rowOfFrame(bytes: Buffer): { readonly row: FrameRow; readonly decoded: PredictionFrame } {
  const decoded = decodePrediction(bytes);
  const row = columnsOf(bytes, decoded);
  const isText = row.input === null || isUtf8(row.input);
  if (isText && frameOfRow(row).equals(bytes)) return { row, decoded };
  return { row: { ...row, ...(isText ? {} : { input: null }), frame: bytes }, decoded };
}

/** The bytes that `rowOfFrame` was given. */
export function frameOfRow(row: FrameRow): Buffer {
  if (row.frame !== null) return Buffer.from(row.frame);
  const { derivedCount, features, outputs, windowValues, input, salt, width } = row;
  const header = headerTemplate({
    incarnation: row.incarnation,
    model: row.model,
    version: row.version,
    bundle: row.bundle as Digest,
    arm: row.arm,
    featureCount: row.featureCount,
    ...(derivedCount === null ? {} : { derivedCount }),
  });
  const hasPayload =
    features !== null && outputs !== null && windowValues !== null && input !== null && salt !== null;
  const length = hasPayload
    ? frameBytes({
        headerBytes: header.length,
        instances: row.instances,
        featureCount: row.featureCount,
        width: width ?? 1,
        windowValues: derivedCount === null ? 0 : 1 + derivedCount,
        inputBytes: input.length,
      })
    : header.length;
  const bytes = Buffer.alloc(length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes.set(header);
  completeHeader(
    { bytes, view },
    {
      instances: row.instances,
      time: row.time,
      sequence: row.sequence,
      payloadDigest: Buffer.from(row.payloadDigest).toString("latin1"),
    },
  );
  if (row.streamSequence !== null) completeStreamSequence(view, row.streamSequence);
  if (!hasPayload) return bytes;
  bytes.set(salt, header.length);
  view.setUint32(header.length + SALT_BYTES, input.length, true);
  view.setUint32(header.length + SALT_BYTES + 4, ((width ?? 1) - 1) >>> 0, true);
  let at = header.length + PAYLOAD_PREFIX_BYTES;
  for (const values of [windowValues, features, outputs]) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  bytes.set(input, at);
  return bytes;
}

function columnsOf(bytes: Buffer, decoded: PredictionFrame): FrameRow {
  const { payload, windows, header } = decoded;
  return {
    id: decoded.id,
    time: decoded.time,
    model: decoded.model,
    version: decoded.version,
    arm: decoded.arm,
    bundle: decoded.bundle,
    incarnation: decoded.incarnation,
    sequence: decoded.sequence,
    instances: decoded.instances,
    featureCount: decoded.featureCount,
    width: payload?.width ?? null,
    derivedCount: windows?.derivedCount ?? null,
    streamSequence: windows?.streamSequence ?? null,
    features: payload?.features ?? null,
    outputs: payload?.outputs ?? null,
    windowValues:
      payload === undefined ? null : floatsAt(bytes, header.length + PAYLOAD_PREFIX_BYTES, valuesOf(decoded)),
    input: payload?.input ?? null,
    salt: payload === undefined ? null : bytes.subarray(header.length, header.length + SALT_BYTES),
    payloadDigest: bytes.subarray(AT_PAYLOAD_DIGEST, AT_PAYLOAD_DIGEST + DIGEST_BYTES),
    frame: null,
  };
}

function valuesOf({ windows, instances }: PredictionFrame): number {
  return windows === undefined ? 0 : instances * (1 + windows.derivedCount);
}

function floatsAt(bytes: Buffer, offset: number, count: number): Float64Array {
  const floats = new Float64Array(count);
  new Uint8Array(floats.buffer).set(bytes.subarray(offset, offset + count * 8));
  return floats;
}
