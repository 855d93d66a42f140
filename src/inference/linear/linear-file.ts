import { crc32 } from "node:zlib";
import { canonicalJson, type FeatureColumn } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import { damagedModel, isCount, isFeatureColumn, parseHeader } from "../file-header.ts";
import { type Linear, problemOfLinear } from "./linear.ts";

/**
 * The linear file, version 1. All numbers are little-endian:
 *
 *     bytes 0–7       "SLIPLINE"
 *     u32             format version, 1
 *     u32             length of the header in bytes
 *     header          canonical JSON: {"features":[{cardinality,kind,name}…],"task","weights"}
 *     zero bytes      up to a multiple of 8
 *     f64             intercept
 *     f64 × features  centre        f64 × features  scale
 *     f64 × weights   weight        i32 × weights   slot
 *     u32             CRC-32 of everything before
 *
 * Weights of zero are left out. One model has exactly one spelling.
 */
const MAGIC = "SLIPLINE";
const VERSION = 1;
const PREAMBLE = 16;

interface Header {
  readonly task: Linear["task"];
  readonly features: readonly FeatureColumn[];
  readonly weights: number;
}

/** @throws INFERENCE_BAD_LINEAR when the model breaks a rule of the format */
export function encodeLinear(linear: Linear): Uint8Array {
  const problem = problemOfLinear(linear);
  if (problem !== undefined)
    throw inferenceErrors.INFERENCE_BAD_LINEAR.error(`the linear model cannot be written: ${problem}`);
  const { features, weights, slots } = linear;
  const header: Header = {
    task: linear.task,
    features: features.map(({ name, kind, cardinality }) => ({ name, kind, cardinality })),
    weights: weights.length,
  };
  const json = new TextEncoder().encode(canonicalJson(header));
  const bytes = new Uint8Array(dataStart(json.length) + dataLength(header));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, json.length, true);
  bytes.set(json, PREAMBLE);
  let at = dataStart(json.length);
  for (const values of [[linear.intercept], linear.centre, linear.scale, weights]) {
    for (const value of values) {
      // −0 and 0 are the same number and must have the same spelling.
      view.setFloat64(at, value + 0, true);
      at += 8;
    }
  }
  for (const slot of slots) {
    view.setInt32(at, slot, true);
    at += 4;
  }
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

/**
 * Reads a linear file and checks everything that an engine relies on. Takes no more memory than some times the file's
 * size, whatever the file says.
 *
 * @throws INFERENCE_DAMAGED_MODEL
 */
export function decodeLinear(bytes: Uint8Array): Linear {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREAMBLE)
    throw damagedModel(`it is ${bytes.length} bytes long, too short for a linear model`);
  if (String.fromCharCode(...bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw damagedModel("it does not begin like a linear file");
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw damagedModel(`it is of version ${version}; this program reads ${VERSION}`);
  const headerLength = view.getUint32(12, true);
  if (PREAMBLE + headerLength > bytes.length) throw damagedModel("it ends within its header");
  const header = parseHeader(bytes.subarray(PREAMBLE, PREAMBLE + headerLength), "a linear model", isHeader);
  const start = dataStart(headerLength);
  const end = start + dataLength(header) - 4;
  if (bytes.length !== end + 4)
    throw damagedModel(`it is ${bytes.length} bytes long, its header asks for ${end + 4}`);
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end)))
    throw damagedModel("its checksum does not match");
  for (let i = PREAMBLE + headerLength; i < start; i++)
    if (bytes[i] !== 0) throw damagedModel("its padding is not zero");
  const linear = readArrays(view, start, header);
  const problem = problemOfLinear(linear);
  if (problem !== undefined) throw damagedModel(problem);
  return linear;
}

function readArrays(view: DataView, start: number, { task, features, weights }: Header): Linear {
  let at = start;
  const readFloats = (count: number): Float64Array => {
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getFloat64(at + 8 * i, true);
    at += 8 * count;
    return values;
  };
  // The order of the members is the order of the file.
  return {
    task,
    features,
    intercept: readFloats(1)[0]!,
    centre: readFloats(features.length),
    scale: readFloats(features.length),
    weights: readFloats(weights),
    slots: Int32Array.from({ length: weights }, (_, i) => view.getInt32(at + 4 * i, true)),
  };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const header = value as Record<keyof Header, unknown>;
  return (
    Object.keys(header).length === 3 &&
    (header.task === "binary" || header.task === "regression") &&
    isCount(header.weights) &&
    Array.isArray(header.features) &&
    header.features.every(isFeatureColumn)
  );
}

function dataStart(headerLength: number): number {
  return Math.ceil((PREAMBLE + headerLength) / 8) * 8;
}

function dataLength({ features, weights }: Header): number {
  return 8 * (1 + 2 * features.length + weights) + 4 * weights + 4;
}
