import { crc32 } from "node:zlib";
import { canonicalJson, type FeatureColumn } from "../kernel/index.ts";
import { inferenceErrors } from "./errors.ts";
import { damagedModel, isCount, isFeatureColumn, parseHeader } from "./file-header.ts";
import { type Forest, problemOf, treeCount } from "./forest.ts";

/**
 * The forest file, version 1. All numbers are little-endian:
 *
 *     bytes 0–7    "SLIPTREE"
 *     u32          format version, 1
 *     u32          length of the header in bytes
 *     header       canonical JSON: {"features":[{cardinality,kind,name}…],"leaves","nodes","task","trees","words"}
 *     zero bytes   up to a multiple of 8
 *     f64          base
 *     f64 × nodes  threshold        f64 × leaves  value        f64 × leaves  cover
 *     i32 × trees + 1  tree nodes   i32 × trees + 1  tree leaves
 *     i32 × nodes  feature, left, right (three arrays)
 *     i32 × nodes + 1  category offsets              u32 × words  categories
 *     u8 × nodes   missing goes left
 *     u32          CRC-32 of everything before
 *
 * One forest has exactly one spelling.
 */
const MAGIC = "SLIPTREE";
const VERSION = 1;
const PREAMBLE = 16;

interface Header {
  readonly task: Forest["task"];
  readonly features: readonly FeatureColumn[];
  readonly trees: number;
  readonly nodes: number;
  readonly leaves: number;
  readonly words: number;
}

/** The version that a forest file says it is of; undefined for anything else. */
export function forestFileVersion(bytes: Uint8Array): number | undefined {
  if (bytes.length < PREAMBLE) return undefined;
  if (String.fromCharCode(...bytes.subarray(0, MAGIC.length)) !== MAGIC) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
}

/**
 * The bytes of a forest file.
 *
 * @throws INFERENCE_BAD_FOREST when the forest breaks a rule of the format.
 */
export function encodeForest(forest: Forest): Uint8Array {
  const problem = problemOf(forest);
  if (problem !== undefined)
    throw inferenceErrors.INFERENCE_BAD_FOREST.error(`the forest cannot be written: ${problem}`);
  const header: Header = {
    task: forest.task,
    features: forest.features.map(({ name, kind, cardinality }) => ({ name, kind, cardinality })),
    trees: treeCount(forest),
    nodes: forest.nodeFeature.length,
    leaves: forest.leafValue.length,
    words: forest.categoryWords.length,
  };
  const json = new TextEncoder().encode(canonicalJson(header));
  const bytes = new Uint8Array(dataStart(json.length) + dataLength(header));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, json.length, true);
  bytes.set(json, PREAMBLE);

  let at = dataStart(json.length);
  const writeFloats = (values: Float64Array) => {
    for (const value of values) {
      view.setFloat64(at, value, true);
      at += 8;
    }
  };
  const writeIntegers = (values: Int32Array | Uint32Array) => {
    for (const value of values) {
      view.setInt32(at, value | 0, true);
      at += 4;
    }
  };
  view.setFloat64(at, forest.base, true);
  at += 8;
  writeFloats(forest.nodeThreshold);
  writeFloats(forest.leafValue);
  writeFloats(forest.leafCover);
  writeIntegers(forest.treeNodes);
  writeIntegers(forest.treeLeaves);
  writeIntegers(forest.nodeFeature);
  writeIntegers(forest.nodeLeft);
  writeIntegers(forest.nodeRight);
  writeIntegers(forest.nodeCategories);
  writeIntegers(forest.categoryWords);
  bytes.set(forest.nodeMissingLeft, at);
  at += forest.nodeMissingLeft.length;
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

/**
 * Reads a forest file and checks everything that an engine relies on.
 *
 * @throws INFERENCE_DAMAGED_MODEL
 */
export function decodeForest(bytes: Uint8Array): Forest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < PREAMBLE) throw damagedModel(`it is ${bytes.length} bytes long, too short for a forest`);
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) throw damagedModel("it does not begin like a forest file");
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw damagedModel(`it is of version ${version}; this program reads ${VERSION}`);
  const headerLength = view.getUint32(12, true);
  if (PREAMBLE + headerLength > bytes.length) throw damagedModel("it ends within its header");
  const header = parseHeader(bytes.subarray(PREAMBLE, PREAMBLE + headerLength), "a forest", isHeader);
  const start = dataStart(headerLength);
  const expected = start + dataLength(header);
  if (bytes.length !== expected)
    throw damagedModel(`it is ${bytes.length} bytes long, its header asks for ${expected}`);
  if (view.getUint32(expected - 4, true) !== crc32(bytes.subarray(0, expected - 4)))
    throw damagedModel("its checksum does not match");
  for (let i = PREAMBLE + headerLength; i < start; i++)
    if (bytes[i] !== 0) throw damagedModel("its padding is not zero");
  const forest = readArrays(view, start, header);
  const problem = problemOf(forest);
  if (problem !== undefined) throw damagedModel(problem);
  return forest;
}

function readArrays(view: DataView, start: number, header: Header): Forest {
  const { trees, nodes, leaves, words } = header;
  let at = start;
  const readFloats = (count: number): Float64Array => {
    const values = new Float64Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getFloat64(at + 8 * i, true);
    at += 8 * count;
    return values;
  };
  const readIntegers = (count: number): Int32Array => {
    const values = new Int32Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getInt32(at + 4 * i, true);
    at += 4 * count;
    return values;
  };
  // The order of the members is the order of the file.
  return {
    task: header.task,
    features: header.features,
    base: readFloats(1)[0]!,
    nodeThreshold: readFloats(nodes),
    leafValue: readFloats(leaves),
    leafCover: readFloats(leaves),
    treeNodes: readIntegers(trees + 1),
    treeLeaves: readIntegers(trees + 1),
    nodeFeature: readIntegers(nodes),
    nodeLeft: readIntegers(nodes),
    nodeRight: readIntegers(nodes),
    nodeCategories: readIntegers(nodes + 1),
    categoryWords: new Uint32Array(readIntegers(words).buffer),
    nodeMissingLeft: new Uint8Array(view.buffer, view.byteOffset + at, nodes).slice(),
  };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const header = value as Record<keyof Header, unknown>;
  return (
    Object.keys(header).length === 6 &&
    (header.task === "binary" || header.task === "regression") &&
    [header.trees, header.nodes, header.leaves, header.words].every(isCount) &&
    Array.isArray(header.features) &&
    header.features.every(isFeatureColumn)
  );
}

function dataStart(headerLength: number): number {
  return Math.ceil((PREAMBLE + headerLength) / 8) * 8;
}

function dataLength({ trees, nodes, leaves, words }: Header): number {
  return 8 * (1 + nodes + 2 * leaves) + 4 * (2 * (trees + 1) + 3 * nodes + nodes + 1 + words) + nodes + 4;
}
