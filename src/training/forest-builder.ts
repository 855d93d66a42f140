import { encodeEnsemble, encodeForest, type Forest, forestsAsEnsemble } from "../inference/index.ts";
import type { FeatureMatrix } from "../kernel/index.ts";
import type { FeatureBins } from "./bins.ts";
import type { Objective } from "./objective.ts";
import { type GrownNode, type GrownTree, isLeft } from "./tree-growth.ts";

/**
 * The forest file of a trained model. One output whose score is a value or log-odds is a plain forest; several outputs,
 * and a mean behind a logarithm, are an ensemble with the link that undoes it.
 */
export function modelBytes(model: {
  readonly objective: Objective;
  readonly columns: FeatureMatrix["columns"];
  /** The features used, by position. */
  readonly features: readonly FeatureBins[];
  /** For each output. */
  readonly base: Float64Array;
  readonly learningRate: number;
  /** The trees of each iteration, one for each output. */
  readonly iterations: readonly (readonly GrownTree[])[];
}): Uint8Array {
  const { objective, columns, features, base, learningRate, iterations } = model;
  const forests = [...base].map((ownBase, output) =>
    buildForest({
      task: objective.kind === "logistic" ? "binary" : "regression",
      ...{ columns, features, learningRate },
      base: ownBase,
      trees: iterations.map((trees) => trees[output]!).filter((tree) => tree.nodes.length > 0),
    }),
  );
  switch (objective.kind) {
    case "softmax":
      return encodeEnsemble(forestsAsEnsemble(forests, { task: "multiclass", link: { kind: "softmax" } }));
    case "poisson":
      return encodeEnsemble(
        forestsAsEnsemble(forests, { task: "regression", link: { kind: "exponential" } }),
      );
    default:
      return encodeForest(forests[0]!);
  }
}

/** Turns trees of bins into a forest of thresholds and category codes. */
function buildForest(model: {
  readonly task: Forest["task"];
  readonly columns: FeatureMatrix["columns"];
  /** The features used, by position. */
  readonly features: readonly FeatureBins[];
  readonly base: number;
  readonly learningRate: number;
  readonly trees: readonly GrownTree[];
}): Forest {
  const { trees, features, columns } = model;
  const nodes = trees.flatMap((tree) => tree.nodes);
  const leaves = trees.flatMap((tree) => tree.leaves);
  const wordsOf = nodes.map(({ split }) =>
    categoryWords(features[split.feature]!, split, columns[features[split.feature]!.feature]!.cardinality),
  );
  return {
    task: model.task,
    features: columns,
    base: model.base,
    treeNodes: offsets(trees.map((tree) => tree.nodes.length)),
    treeLeaves: offsets(trees.map((tree) => tree.leaves.length)),
    nodeFeature: Int32Array.from(nodes, ({ split }) => features[split.feature]!.feature),
    nodeMissingLeft: Uint8Array.from(nodes, ({ split }) => (split.missingLeft ? 1 : 0)),
    nodeThreshold: Float64Array.from(nodes, ({ split }) => {
      const { kind, bounds } = features[split.feature]!;
      return kind === "numeric" ? bounds[split.lastLeftBin]! : 0;
    }),
    nodeLeft: Int32Array.from(nodes, (node) => node.left),
    nodeRight: Int32Array.from(nodes, (node) => node.right),
    nodeCategories: offsets(wordsOf.map((words) => words.length)),
    categoryWords: Uint32Array.from(wordsOf.flatMap((words) => [...words])),
    leafValue: Float64Array.from(leaves, ({ value }) => value * model.learningRate),
    leafCover: Float64Array.from(leaves, ({ begin, end }) => end - begin),
  };
}

/**
 * The codes that go left. Codes without a bin of their own (rare, or not in the training rows) go where missing values
 * go. Trailing zero words are left out.
 */
function categoryWords(feature: FeatureBins, split: GrownNode["split"], cardinality: number): Uint32Array {
  if (feature.kind === "numeric") return new Uint32Array(0);
  const words = new Uint32Array(Math.ceil(cardinality / 32)).fill(split.missingLeft ? 0xffffffff : 0);
  const set = (code: number, left: boolean) => {
    const bit = 1 << (code & 31);
    const word = words[code >>> 5]!;
    words[code >>> 5] = left ? word | bit : word & ~bit;
  };
  for (let code = cardinality; code < words.length * 32; code++) set(code, false);
  for (let bin = 0; bin < feature.valueBins; bin++) set(feature.codes[bin]!, isLeft(feature, split, bin));
  const last = words.findLastIndex((word) => word !== 0);
  return words.subarray(0, last + 1);
}

/** 0, a, a + b, … */
function offsets(lengths: readonly number[]): Int32Array {
  const sums = new Int32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    sums[i + 1] = sums[i]! + length;
  });
  return sums;
}

/** How much each feature of the matrix contributed, the largest gain first; ties by position. */
export function importanceOf(model: {
  readonly columns: FeatureMatrix["columns"];
  readonly features: readonly FeatureBins[];
  readonly trees: readonly GrownTree[];
}): { feature: string; gain: number; splits: number }[] {
  const importance = model.columns.map(({ name }) => ({ feature: name, gain: 0, splits: 0 }));
  for (const tree of model.trees) {
    for (const { split } of tree.nodes) {
      const entry = importance[model.features[split.feature]!.feature]!;
      entry.gain += split.gain;
      entry.splits++;
    }
  }
  return importance.sort((a, b) => b.gain - a.gain);
}
