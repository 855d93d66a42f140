import { type Ensemble, type EnsembleTask, type Link, MOST_SUMS } from "../../ensemble/ensemble.ts";
import { EnsembleBuilder } from "../../ensemble/ensemble-builder.ts";
import { badFile, unsupported } from "../origin-model.ts";
import type { OnnxNode } from "./graph.ts";
import { readLegacyTrees } from "./legacy-trees.ts";
import type { TreeTable } from "./tree-attributes.ts";
import { readTreeEnsemble } from "./tree-ensemble-5.ts";

/** What a tree operator computes, but for the features it reads. */
export interface TreeModel {
  readonly ensemble: Omit<Ensemble, "features">;
  readonly featureCount: number;
  readonly classes?: readonly string[];
}

export const treeOperators = ["TreeEnsembleRegressor", "TreeEnsembleClassifier", "TreeEnsemble"] as const;

const POST_TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
const AGGREGATES = ["AVERAGE", "SUM", "MIN", "MAX"];

/**
 * @param single whether the operator's input is float32
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL
 */
export function readTreeOperator(node: OnnxNode, single: boolean): TreeModel {
  switch (node.op) {
    case "TreeEnsembleClassifier":
      return readClassifier(node, single);
    case "TreeEnsembleRegressor": {
      const targets = node.attributes.integer("n_targets", 1);
      return readRegressor(node, {
        single,
        trees: readLegacyTrees(node.attributes, { role: "target", targets, single }),
        transform: node.attributes.text("post_transform", "NONE"),
        aggregate: node.attributes.text("aggregate_function", "SUM"),
      });
    }
    default:
      return readRegressor(node, {
        single,
        trees: readTreeEnsemble(node.attributes, single),
        transform: POST_TRANSFORMS[node.attributes.integer("post_transform", 0)] ?? "unknown",
        aggregate: AGGREGATES[node.attributes.integer("aggregate_function", 1)] ?? "unknown",
      });
  }
}

function readRegressor(
  node: OnnxNode,
  given: {
    readonly single: boolean;
    readonly trees: TreeTable;
    readonly transform: string;
    readonly aggregate: string;
  },
): TreeModel {
  const { trees, single, aggregate } = given;
  const link = linkOf(given.transform);
  if (trees.targets === 1 && link.kind !== "identity")
    throw unsupported(
      "onnx",
      `post_transform "${given.transform}" of one target, which the standard and onnxruntime understand differently`,
    );
  const task: EnsembleTask = link.kind === "softmax" ? "multiclass" : "regression";
  const aggregates = { SUM: "sum", AVERAGE: "sum", MIN: "minimum", MAX: "maximum" } as const;
  if (!Object.hasOwn(aggregates, aggregate))
    throw unsupported("onnx", `aggregate_function "${aggregate.slice(0, 40)}"`);
  const divisor = aggregate === "AVERAGE" ? Math.max(1, trees.roots.length) : 1;
  const shape = { task, link, divisor, aggregate: aggregates[aggregate as keyof typeof aggregates] };
  const base = baseOf(node, trees.targets);
  return { featureCount: trees.featureCount, ensemble: assemble(trees, { single, base, ...shape }) };
}

function readClassifier(node: OnnxNode, single: boolean): TreeModel {
  const { attributes } = node;
  const texts = attributes.texts("classlabels_strings");
  const classes = texts.length > 0 ? texts : attributes.integers("classlabels_int64s").map(String);
  if (classes.length < 2) throw unsupported("onnx", `a TreeEnsembleClassifier of ${classes.length} classes`);
  const trees = readLegacyTrees(attributes, { role: "class", targets: classes.length, single });
  const transform = attributes.text("post_transform", "NONE");
  const link = linkOf(transform);
  const common = { divisor: 1, aggregate: "sum", single } as const;
  if (classes.length === 2 && trees.added.size === 1) {
    // One score decides between two classes: the probability of the second where no weight is negative, else a margin.
    const only: TreeTable = { ...trees, targets: 1, nodeOf: (id) => onlySum(trees.nodeOf(id)) };
    if (transform === "SOFTMAX") throw unsupported("onnx", 'post_transform "SOFTMAX" of one score');
    const base = baseOf(node, 1);
    const isProbability = trees.isPositive;
    if (!isProbability && link.kind === "identity")
      throw unsupported(
        "onnx",
        "a TreeEnsembleClassifier that answers margins (post_transform NONE, mixed weights)",
      );
    return {
      featureCount: trees.featureCount,
      classes,
      ensemble: assemble(only, {
        ...common,
        base,
        task: "binary",
        link: isProbability ? { kind: "identity" } : link,
      }),
    };
  }
  const base = baseOf(node, classes.length);
  if (classes.length > 2) {
    const task = "multiclass";
    return {
      featureCount: trees.featureCount,
      classes,
      ensemble: assemble(trees, { ...common, base, task, link }),
    };
  }
  if (base.some((value) => value !== 0))
    throw unsupported("onnx", "base_values of a TreeEnsembleClassifier with weights for both of two classes");
  if (!trees.isFull)
    throw unsupported(
      "onnx",
      "a TreeEnsembleClassifier of two classes whose leaves have not all weights for both",
    );
  if (link.kind === "identity") {
    const second: TreeTable = { ...trees, targets: 1, nodeOf: (id) => onlySum(trees.nodeOf(id), 1) };
    const shape = { ...common, base: new Float64Array(1), task: "binary", link } as const;
    return { featureCount: trees.featureCount, classes, ensemble: assemble(second, shape) };
  }
  return {
    featureCount: trees.featureCount,
    classes,
    ensemble: assemble(trees, { ...common, base, task: "multiclass", link }),
  };
}

/** A leaf with what it adds to one sum, or to whichever it adds to, as the only sum. */
function onlySum(node: ReturnType<TreeTable["nodeOf"]>, sum?: number): ReturnType<TreeTable["nodeOf"]> {
  if (!("adds" in node)) return node;
  const adds = node.adds.filter((add) => sum === undefined || add.sum === sum);
  return { cover: node.cover, adds: adds.map(({ value }) => ({ sum: 0, value })) };
}

function assemble(
  trees: TreeTable,
  shape: Pick<Ensemble, "task" | "link" | "base" | "aggregate" | "divisor"> & { readonly single: boolean },
): Omit<Ensemble, "features"> {
  const { single, ...rest } = shape;
  const builder = new EnsembleBuilder();
  for (const root of trees.roots) {
    builder.addTree(root, trees.nodeOf, (id) => {
      throw badFile("onnx", `node ${id} of its trees is reached twice`);
    });
  }
  return { ...rest, arithmetic: single ? "float32" : "float64", baseIs: "last", ...builder.arrays() };
}

function linkOf(transform: string): Link {
  switch (transform) {
    case "NONE":
      return { kind: "identity" };
    case "LOGISTIC":
      return { kind: "logistic", slope: 1 };
    case "SOFTMAX":
      return { kind: "softmax" };
    default:
      throw unsupported("onnx", `post_transform "${transform.slice(0, 40)}"`);
  }
}

function baseOf({ attributes }: OnnxNode, sums: number): Float64Array {
  if (!(sums >= 1 && sums <= MOST_SUMS)) throw badFile("onnx", `it has ${sums} targets`);
  const values = attributes.floats("base_values");
  if (values.length === 0) return new Float64Array(sums);
  if (values.length !== sums) throw unsupported("onnx", `${values.length} base_values for ${sums} sums`);
  return Float64Array.from(values);
}
