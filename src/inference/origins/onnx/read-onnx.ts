import {
  distinctNames,
  featuresOf,
  type OriginInput,
  type OriginModel,
  soundModel,
  unsupported,
} from "../origin-model.ts";
import { elementTypes, type OnnxGraph, type OnnxInput, type OnnxNode, readGraph } from "./graph.ts";
import { beforeScaling, readScaling, type Scaling } from "./scaled-inputs.ts";
import { readTreeOperator, type TreeModel, treeOperators } from "./tree-operator.ts";

const ML = "ai.onnx.ml";

/** What flows along an edge of the graph. */
type Flow =
  | {
      readonly kind: "inputs";
      readonly columns: readonly string[];
      readonly elementType: number;
      readonly scaling?: Scaling;
    }
  | { readonly kind: "labels" }
  | { readonly kind: "scores"; readonly classes?: readonly string[] };

/**
 * Reads an ONNX model that is one ensemble of trees: its inputs, joined and converted, go to one tree operator, whose
 * answers leave the graph as they are or as maps. Every other graph is refused.
 *
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL naming the operator and its operator set
 */
export function readOnnx(bytes: Uint8Array): OriginModel {
  const graph = readGraph(bytes);
  const operators = graph.nodes.filter(isTrees);
  // What cannot be followed is named first, so that a neural network is not refused for the lack of trees.
  const foreign = graph.nodes.find((node) => !isTrees(node) && !isPassing(node));
  if (foreign !== undefined) throw operatorRefused(foreign, graph);
  if (operators.length !== 1) throw unsupported("onnx", `a graph of ${operators.length} tree ensembles`);
  const flows = new Map<string, Flow>(graph.inputs.map((input) => [input.name, inputFlow(input)]));
  let trees: { readonly model: TreeModel; readonly columns: readonly string[] } | undefined;
  for (const node of graph.nodes) {
    if (isTrees(node)) {
      const input = flowInto(node, flows);
      if (input.kind !== "inputs") throw unsupported("onnx", `trees that read the answer of others`);
      trees = readTrees(node, input);
      const { classes } = trees.model;
      const scores: Flow = classes === undefined ? { kind: "scores" } : { kind: "scores", classes };
      const [first = "", second = ""] = node.outputs;
      if (node.op === "TreeEnsembleClassifier") flows.set(first, { kind: "labels" }).set(second, scores);
      else flows.set(first, scores);
    } else passOn(node, { flows, graph });
  }
  const answer = graph.outputs.map((name) => flows.get(name)).find((flow) => flow?.kind === "scores");
  if (trees === undefined || answer?.kind !== "scores")
    throw unsupported("onnx", "a graph that does not answer the scores of its trees");
  return modelOf(graph, { ...trees, classes: answer.classes, operator: operators[0]!.op });
}

function isTrees(node: OnnxNode): boolean {
  return node.domain === ML && treeOperators.some((op) => op === node.op);
}

const PASSING = [":Identity", ":Cast", ":Concat", `${ML}:Scaler`, `${ML}:ZipMap`];

function isPassing({ domain, op }: OnnxNode): boolean {
  return PASSING.includes(`${domain}:${op}`);
}

function operatorRefused({ op, domain }: OnnxNode, { opsets }: OnnxGraph): Error {
  const version = opsets.get(domain);
  const set = `${domain === "" ? "ai.onnx" : domain}${version === undefined ? "" : ` opset ${version}`}`;
  return unsupported(
    "onnx",
    `operator ${op} (${set})`,
    "Trees are read from TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble with Cast, Concat, Scaler, Identity and ZipMap around them.",
  );
}

function inputFlow({ name, elementType, width }: OnnxInput): Flow {
  const columns = width === undefined ? [] : width === 1 ? [name] : columnNames(name, width);
  return { kind: "inputs", columns, elementType };
}

function columnNames(name: string, width: number): string[] {
  return Array.from({ length: width }, (_, i) => `${name}_${i}`);
}

function flowInto(node: OnnxNode, flows: ReadonlyMap<string, Flow>): Flow {
  const flow = flows.get(node.inputs[0] ?? "");
  if (flow === undefined)
    throw unsupported(
      "onnx",
      `${node.op} reads "${(node.inputs[0] ?? "").slice(0, 80)}", which nothing before it makes`,
    );
  return flow;
}

function readTrees(
  node: OnnxNode,
  input: Extract<Flow, { kind: "inputs" }>,
): { readonly model: TreeModel; readonly columns: readonly string[] } {
  const { elementType } = input;
  if (elementType !== elementTypes.float && elementType !== elementTypes.double)
    throw unsupported(
      "onnx",
      `trees over tensors of the element type ${elementType}; float and double are read`,
    );
  const trees = readTreeOperator(node, elementType === elementTypes.float);
  const { length } = input.columns;
  // Without a declared width the inputs are as many as the trees ask for.
  const columns = length === 0 ? columnNames(node.inputs[0] ?? "", trees.featureCount) : input.columns;
  if (columns.length < trees.featureCount)
    throw unsupported("onnx", `trees that ask for feature ${trees.featureCount - 1} of ${columns.length}`);
  const { scaling } = input;
  const model =
    scaling === undefined ? trees : { ...trees, ensemble: beforeScaling(trees.ensemble, scaling) };
  return { model, columns };
}

/** The operators around the trees. They may convert and rename; they may not compute. */
function passOn(node: OnnxNode, { flows, graph }: { flows: Map<string, Flow>; graph: OnnxGraph }): void {
  const [output = ""] = node.outputs;
  const flow = flowInto(node, flows);
  switch (node.op) {
    case "Identity":
      flows.set(output, flow);
      return;
    case "Cast":
      flows.set(output, castFlow(flow, node));
      return;
    case "Concat":
      flows.set(output, joined(node, flows));
      return;
    case "Scaler":
      flows.set(output, scaledFlow(flow, node));
      return;
    default: {
      if (flow.kind !== "scores") throw operatorRefused(node, graph);
      const texts = node.attributes.texts("classlabels_strings");
      const classes = texts.length > 0 ? texts : node.attributes.integers("classlabels_int64s").map(String);
      flows.set(output, { kind: "scores", classes });
    }
  }
}

function scaledFlow(flow: Flow, { attributes }: OnnxNode): Flow {
  if (flow.kind !== "inputs" || flow.scaling !== undefined || flow.elementType !== elementTypes.float)
    throw unsupported("onnx", "a Scaler of anything but float inputs");
  return { ...flow, scaling: readScaling({ attributes, width: flow.columns.length }) };
}

function castFlow(flow: Flow, node: OnnxNode): Flow {
  const to = node.attributes.integer("to", 0);
  if (flow.kind === "labels") return flow;
  if (to !== elementTypes.float && to !== elementTypes.double)
    throw unsupported("onnx", `Cast to element type ${to}`);
  if (flow.kind === "scores") return flow;
  // What has been float32 stays rounded: float32 thresholds then mean the same in double.
  if (flow.scaling !== undefined) throw unsupported("onnx", "Cast behind a Scaler");
  if (flow.elementType === elementTypes.float && to === elementTypes.double)
    throw unsupported("onnx", "Cast from float to double before trees");
  return { ...flow, elementType: to };
}

function joined(node: OnnxNode, flows: ReadonlyMap<string, Flow>): Flow {
  const parts = node.inputs.map((name) => flows.get(name));
  const columns: string[] = [];
  let elementType: number | undefined;
  for (const part of parts) {
    if (
      part?.kind !== "inputs" ||
      part.scaling !== undefined ||
      part.columns.length === 0 ||
      part.elementType !== (elementType ?? part.elementType)
    )
      throw unsupported("onnx", "Concat of anything but inputs of one type and a known width");
    elementType = part.elementType;
    for (const column of part.columns) columns.push(column);
  }
  const axis = node.attributes.integer("axis", 1);
  if (axis !== 1 && axis !== -1) throw unsupported("onnx", `Concat along axis ${axis}`);
  return { kind: "inputs", columns, elementType: elementType ?? 0 };
}

function modelOf(
  graph: OnnxGraph,
  read: {
    readonly model: TreeModel;
    readonly columns: readonly string[];
    readonly classes: readonly string[] | undefined;
    readonly operator: string;
  },
): OriginModel {
  const { model, classes } = read;
  const { task, base } = model.ensemble;
  const names = distinctNames(read.columns, (index) => `input_${index}`);
  const inputs: OriginInput[] = names.map((name) => ({ name, type: "float" }));
  const labelled = task === "multiclass" || task === "binary";
  const expected = task === "binary" ? 2 : base.length;
  return soundModel({
    format: "onnx",
    producer: graph.producer || "ONNX",
    objective: `${read.operator} (${ML} ${graph.opsets.get(ML) ?? "?"})`,
    inputs,
    ...(labelled && classes !== undefined && classes.length === expected ? { classes } : {}),
    ensemble: { ...model.ensemble, features: featuresOf(inputs) },
  });
}
