import { Attributes, elementTypes } from "../origins/onnx/graph.ts";
import { ProtoMessage } from "../origins/onnx/protobuf.ts";
import { badFile } from "../origins/origin-model.ts";
import { bytesField, integerField } from "./protobuf-writer.ts";

/** A graph whose inputs and outputs a session can hand in and out. */
export interface AdaptedGraph {
  readonly bytes: Uint8Array;
  /** For an input or output that was put in the place of another: the name of the one in the file. */
  readonly original: ReadonlyMap<string, string>;
  /** For an output that is maps in the file, by its name there: their keys. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
  readonly hasCommonLocale: boolean;
}

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH = { node: 1, constant: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, op: 4, attribute: 5 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TENSOR_TYPE = 1;
const TENSOR = { elementType: 1, shape: 2 } as const;
const ATTRIBUTE = { name: 1, integer: 3, text: 4, type: 20 } as const;
const INTEGER_ATTRIBUTE = 2;
const TEXT_ATTRIBUTE = 3;

/**
 * A locale that every Linux system has, whose upper and lower case are those of Unicode like those of the usual default,
 * `en_US.UTF-8`, which the images that servers run in often lack.
 */
const EVERYWHERE = "C.UTF-8";

export interface Adaptation {
  /** Texts change their case by a locale that is installed everywhere, whichever the graph names. */
  readonly commonLocale?: boolean;
}

/**
 * The same graph without what onnxruntime's binding for Node cannot hand out. A ZipMap at the end is left out, so that
 * the graph answers the tensor that the maps were made of. Inputs and outputs of 16-bit floats become float32, by a Cast
 * behind them or before. A graph that needs neither is answered as it is.
 *
 * @throws INFERENCE_BAD_MODEL_FILE
 */
export function adaptGraph(bytes: Uint8Array, { commonLocale = false }: Adaptation = {}): AdaptedGraph {
  const model = new ProtoMessage(bytes, "the model");
  const graph = model.message(MODEL_GRAPH, "the graph");
  if (graph === undefined) throw badFile("onnx", "it holds no graph");
  const original = new Map<string, string>();
  const classes = new Map<string, readonly string[]>();
  const maps = mapsOf(graph);
  const constants = new Set(graph.messages(GRAPH.constant, "an initializer").map((tensor) => tensor.text(8)));
  const before: Uint8Array[] = [];
  const behind: Uint8Array[] = [];
  const fields = graph.fields().map(({ number, raw, value }): Uint8Array => {
    if (number === GRAPH.node) {
      const node = new ProtoMessage(value, "a node");
      if (maps.get(node.text(NODE.output))?.node === raw.byteOffset) return new Uint8Array(0);
      return commonLocale && node.text(NODE.op) === "StringNormalizer" ? withCommonLocale(node) : raw;
    }
    if (number !== GRAPH.input && number !== GRAPH.output) return raw;
    const declared = new ProtoMessage(value, number === GRAPH.input ? "an input" : "an output");
    const name = declared.text(VALUE.name);
    const map = number === GRAPH.output ? maps.get(name) : undefined;
    if (map !== undefined) {
      original.set(map.tensor, name);
      classes.set(name, map.keys);
      return bytesField(number, bytesField(VALUE.name, map.tensor));
    }
    const half = halfOf(declared);
    if (half === undefined || (number === GRAPH.input && constants.has(name))) return raw;
    const single = `${name}/float32`;
    original.set(single, name);
    if (number === GRAPH.input) before.push(castNode(single, { output: name, to: half }));
    else behind.push(castNode(name, { output: single, to: elementTypes.float }));
    return bytesField(number, singleValue(declared, single));
  });
  const names = { original, classes, hasCommonLocale: commonLocale };
  if (original.size === 0 && !commonLocale) return { bytes, ...names };
  const adapted = bytesField(MODEL_GRAPH, Buffer.concat([...before, ...fields, ...behind]));
  const parts = model.fields().map(({ number, raw }) => (number === MODEL_GRAPH ? adapted : raw));
  return { bytes: Buffer.concat(parts), ...names };
}

const BRANCHES = ["If", "Loop", "Scan"];
const MODEL_FUNCTION = 25;

/** Whether a graph has nodes that choose what is computed, or functions of its own that may. @throws INFERENCE_BAD_MODEL_FILE */
export function hasBranches(bytes: Uint8Array): boolean {
  const model = new ProtoMessage(bytes, "the model");
  if (model.has(MODEL_FUNCTION)) return true;
  const nodes = model.message(MODEL_GRAPH, "the graph")?.messages(GRAPH.node, "a node") ?? [];
  return nodes.some((node) => BRANCHES.includes(node.text(NODE.op)));
}

function withCommonLocale(node: ProtoMessage): Uint8Array {
  const kept = node.fields().filter(({ number, value }) => {
    const isAttribute = number === NODE.attribute;
    return !isAttribute || new ProtoMessage(value, "an attribute").text(ATTRIBUTE.name) !== "locale";
  });
  const locale = Buffer.concat([
    bytesField(ATTRIBUTE.name, "locale"),
    bytesField(ATTRIBUTE.text, EVERYWHERE),
    integerField(ATTRIBUTE.type, TEXT_ATTRIBUTE),
  ]);
  const fields = [...kept.map(({ raw }) => raw), bytesField(NODE.attribute, locale)];
  return bytesField(GRAPH.node, Buffer.concat(fields));
}

interface MapOutput {
  /** Where its node stands. */
  readonly node: number;
  readonly tensor: string;
  readonly keys: readonly string[];
}

/** What the ZipMaps of a graph make, by the name of the output. */
function mapsOf(graph: ProtoMessage): Map<string, MapOutput> {
  const maps = new Map<string, MapOutput>();
  for (const { number, raw, value } of graph.fields()) {
    if (number !== GRAPH.node) continue;
    const node = new ProtoMessage(value, "a node");
    if (node.text(NODE.op) !== "ZipMap") continue;
    const attributes = new Attributes(node.messages(NODE.attribute, "an attribute"), "ZipMap");
    const texts = attributes.texts("classlabels_strings");
    const keys = texts.length > 0 ? texts : attributes.integers("classlabels_int64s").map(String);
    maps.set(node.text(NODE.output), { node: raw.byteOffset, tensor: node.text(NODE.input), keys });
  }
  return maps;
}

/** The 16-bit float type of an input or output, if it is of one. */
function halfOf(declared: ProtoMessage): number | undefined {
  const type = declared.message(VALUE.type, "a type")?.message(TENSOR_TYPE, "a tensor type");
  const elementType = type?.integer(TENSOR.elementType);
  return elementType === elementTypes.float16 || elementType === elementTypes.bfloat16
    ? elementType
    : undefined;
}

function singleValue(declared: ProtoMessage, name: string): Uint8Array {
  const type = declared.message(VALUE.type, "a type")?.message(TENSOR_TYPE, "a tensor type");
  const shape = type?.has(TENSOR.shape) === true ? [bytesField(TENSOR.shape, type.bytes(TENSOR.shape))] : [];
  const tensor = Buffer.concat([integerField(TENSOR.elementType, elementTypes.float), ...shape]);
  return Buffer.concat([
    bytesField(VALUE.name, name),
    bytesField(VALUE.type, bytesField(TENSOR_TYPE, tensor)),
  ]);
}

/** The field of a graph that is a node of the operator Cast. */
function castNode(
  input: string,
  { output, to }: { readonly output: string; readonly to: number },
): Uint8Array {
  const attribute = Buffer.concat([
    bytesField(ATTRIBUTE.name, "to"),
    integerField(ATTRIBUTE.integer, to),
    integerField(ATTRIBUTE.type, INTEGER_ATTRIBUTE),
  ]);
  const parts = [
    bytesField(NODE.input, input),
    bytesField(NODE.output, output),
    bytesField(NODE.op, "Cast"),
    bytesField(NODE.attribute, attribute),
  ];
  return bytesField(GRAPH.node, Buffer.concat(parts));
}
