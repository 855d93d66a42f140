import { crc32 } from "node:zlib";
import { canonicalJson } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import { damagedModel, isCount, isFeatureColumn, parseHeader } from "../file-header.ts";
import { type Ensemble, type EnsembleTask, type Link, problemOfEnsemble } from "./ensemble.ts";

/**
 * The forest file, version 2: an ensemble. All numbers are little-endian.
 *
 *     bytes 0–7   "SLIPTREE"
 *     u32         format version, 2
 *     u32         length of the header in bytes
 *     header      canonical JSON: {"aggregate","arithmetic","baseIs","divisor","features","lengths":{…},"link","task"}
 *     zero bytes  up to a multiple of 8
 *     arrays      in the order of `ARRAYS`, each of the length that the header names and padded with zeros to a
 *                 multiple of 8 bytes
 *     u32         CRC-32 of everything before
 *
 * One ensemble has exactly one spelling.
 */
const MAGIC = "SLIPTREE";
export const ENSEMBLE_VERSION = 2;
const PREAMBLE = 16;

/** The arrays of the file: 8 bytes a float, 4 an integer or a word, 1 a byte. */
const ARRAYS = {
  base: "float",
  nodeThreshold: "float",
  memberValues: "float",
  entryValue: "float",
  leafCover: "float",
  treeNodes: "integer",
  treeLeaves: "integer",
  nodeFeature: "integer",
  nodeLeft: "integer",
  nodeRight: "integer",
  nodeCategories: "integer",
  nodeMembers: "integer",
  leafEntries: "integer",
  entrySum: "integer",
  categoryWords: "word",
  nodeKind: "byte",
  nodeMissingLeft: "byte",
} as const satisfies Partial<Record<keyof Ensemble, "float" | "integer" | "word" | "byte">>;

type ArrayName = keyof typeof ARRAYS;
const NAMES = Object.keys(ARRAYS) as readonly ArrayName[];
const WIDTHS = { float: 8, integer: 4, word: 4, byte: 1 } as const;

type Header = Omit<Ensemble, ArrayName> & { readonly lengths: Readonly<Record<ArrayName, number>> };

/** @throws INFERENCE_BAD_FOREST when the ensemble breaks a rule of the format */
export function encodeEnsemble(ensemble: Ensemble): Uint8Array {
  const problem = problemOfEnsemble(ensemble);
  if (problem !== undefined)
    throw inferenceErrors.INFERENCE_BAD_FOREST.error(`the ensemble cannot be written: ${problem}`);
  const { task, features, arithmetic, baseIs, aggregate, divisor, link } = ensemble;
  const lengths = Object.fromEntries(NAMES.map((name) => [name, ensemble[name].length]));
  const json = new TextEncoder().encode(
    canonicalJson({
      task,
      features: features.map(({ name, kind, cardinality }) => ({ name, kind, cardinality })),
      ...{ arithmetic, baseIs, aggregate, divisor, lengths },
      link: link.kind === "logistic" ? { kind: link.kind, slope: link.slope } : { kind: link.kind },
    }),
  );
  const start = padded(PREAMBLE + json.length);
  const bytes = new Uint8Array(start + bodyLength(lengths as Header["lengths"]) + 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, ENSEMBLE_VERSION, true);
  view.setUint32(12, json.length, true);
  bytes.set(json, PREAMBLE);
  let at = start;
  for (const name of NAMES) {
    const values = ensemble[name];
    const kind = ARRAYS[name];
    for (let i = 0; i < values.length; i++) {
      if (kind === "float") view.setFloat64(at + 8 * i, values[i]!, true);
      else if (kind === "byte") bytes[at + i] = values[i]!;
      else view.setUint32(at + 4 * i, values[i]!, true);
    }
    at += padded(values.length * WIDTHS[kind]);
  }
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

/**
 * Reads a forest file of version 2, whose magic and version have been looked at.
 *
 * @throws INFERENCE_DAMAGED_MODEL
 */
export function decodeEnsemble(bytes: Uint8Array): Ensemble {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint32(12, true);
  if (PREAMBLE + headerLength > bytes.length) throw damagedModel("it ends within its header");
  const { lengths, ...header } = parseHeader(
    bytes.subarray(PREAMBLE, PREAMBLE + headerLength),
    "an ensemble",
    isHeader,
  );
  const start = padded(PREAMBLE + headerLength);
  const end = start + bodyLength(lengths);
  if (bytes.length !== end + 4)
    throw damagedModel(`it is ${bytes.length} bytes long, its header asks for ${end + 4}`);
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end)))
    throw damagedModel("its checksum does not match");
  let at = start;
  checkZeros(bytes, PREAMBLE + headerLength, start);
  const next = (name: ArrayName): number => {
    const first = at;
    const length = lengths[name] * WIDTHS[ARRAYS[name]];
    at += padded(length);
    checkZeros(bytes, first + length, at);
    return first;
  };
  const floats = (name: ArrayName): Float64Array => {
    const first = next(name);
    return Float64Array.from({ length: lengths[name] }, (_, i) => view.getFloat64(first + 8 * i, true));
  };
  const integers = (name: ArrayName): Int32Array => {
    const first = next(name);
    return Int32Array.from({ length: lengths[name] }, (_, i) => view.getInt32(first + 4 * i, true));
  };
  const words = (name: ArrayName): Uint32Array => new Uint32Array(integers(name).buffer);
  const flags = (name: ArrayName): Uint8Array => {
    const first = next(name);
    return bytes.slice(first, first + lengths[name]);
  };
  // The order of the members is the order of the file.
  const ensemble: Ensemble = {
    ...header,
    base: floats("base"),
    nodeThreshold: floats("nodeThreshold"),
    memberValues: floats("memberValues"),
    entryValue: floats("entryValue"),
    leafCover: floats("leafCover"),
    treeNodes: integers("treeNodes"),
    treeLeaves: integers("treeLeaves"),
    nodeFeature: integers("nodeFeature"),
    nodeLeft: integers("nodeLeft"),
    nodeRight: integers("nodeRight"),
    nodeCategories: integers("nodeCategories"),
    nodeMembers: integers("nodeMembers"),
    leafEntries: integers("leafEntries"),
    entrySum: integers("entrySum"),
    categoryWords: words("categoryWords"),
    nodeKind: flags("nodeKind"),
    nodeMissingLeft: flags("nodeMissingLeft"),
  };
  const problem = problemOfEnsemble(ensemble);
  if (problem !== undefined) throw damagedModel(problem);
  return ensemble;
}

function checkZeros(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) throw damagedModel("its padding is not zero");
}

function bodyLength(lengths: Header["lengths"]): number {
  return NAMES.reduce((sum, name) => sum + padded(lengths[name] * WIDTHS[ARRAYS[name]]), 0);
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

const TASKS: Readonly<Record<EnsembleTask, true>> = { binary: true, regression: true, multiclass: true };
const LINKS: Readonly<Record<Link["kind"], true>> = {
  identity: true,
  exponential: true,
  softmax: true,
  signedSquare: true,
  logOnePlusExp: true,
  step: true,
  logistic: true,
};

function isHeader(value: unknown): value is Header {
  if (!isObject(value)) return false;
  const header = value as Readonly<Record<keyof Header, unknown>>;
  return (
    Object.keys(header).length === 8 &&
    isOneOf(header.task, TASKS) &&
    isOneOf(header.arithmetic, { float64: true, float32: true }) &&
    isOneOf(header.baseIs, { first: true, last: true }) &&
    isOneOf(header.aggregate, { sum: true, minimum: true, maximum: true }) &&
    typeof header.divisor === "number" &&
    isLink(header.link) &&
    Array.isArray(header.features) &&
    header.features.every(isFeatureColumn) &&
    areLengths(header.lengths)
  );
}

function isLink(value: unknown): boolean {
  if (!isObject(value) || !isOneOf(value.kind, LINKS)) return false;
  const members = Object.keys(value).length;
  return value.kind === "logistic" ? members === 2 && typeof value.slope === "number" : members === 1;
}

function areLengths(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.keys(value).length === NAMES.length &&
    NAMES.every((name) => isCount(value[name])) &&
    value.treeNodes !== 0 &&
    value.nodeCategories !== 0
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOneOf(value: unknown, table: Readonly<Record<string, true>>): boolean {
  return typeof value === "string" && Object.hasOwn(table, value);
}
