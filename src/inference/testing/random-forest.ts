import { createRandom, type FeatureColumn, type FeatureMatrix, type Random } from "../../kernel/index.ts";
import type { Forest } from "../forest.ts";

/** A sound forest of any shape, for property tests: same seed, same forest. */
export function randomForest(
  seed: number,
  shape: { readonly trees: number; readonly mostLeaves: number },
): Forest {
  const random = createRandom(seed);
  const features: FeatureColumn[] = Array.from({ length: 1 + random.integer(5) }, (_, i) =>
    random.integer(3) === 0
      ? { name: `category ${i}`, kind: "categorical", cardinality: 1 + random.integer(70) }
      : { name: `number ${i}`, kind: "numeric", cardinality: 0 },
  );
  const trees = Array.from({ length: shape.trees }, () =>
    randomTree(random, features, 1 + random.integer(shape.mostLeaves)),
  );
  const nodes = trees.flatMap((tree) => tree.nodes);
  const leaves = trees.flatMap((tree) => tree.leaves);
  return {
    task: random.integer(2) === 0 ? "binary" : "regression",
    features,
    base: random.float() - 0.5,
    treeNodes: Int32Array.from(offsets(trees.map((tree) => tree.nodes.length))),
    treeLeaves: Int32Array.from(offsets(trees.map((tree) => tree.leaves.length))),
    nodeFeature: Int32Array.from(nodes, (node) => node.feature),
    nodeMissingLeft: Uint8Array.from(nodes, (node) => node.missingLeft),
    nodeThreshold: Float64Array.from(nodes, (node) => node.threshold),
    nodeLeft: Int32Array.from(nodes, (node) => node.left),
    nodeRight: Int32Array.from(nodes, (node) => node.right),
    nodeCategories: Int32Array.from(offsets(nodes.map((node) => node.words.length))),
    categoryWords: Uint32Array.from(nodes.flatMap((node) => node.words)),
    leafValue: Float64Array.from(leaves),
    leafCover: Float64Array.from(leaves, () => random.integer(100)),
  };
}

interface RandomNode {
  readonly feature: number;
  readonly missingLeft: number;
  readonly threshold: number;
  readonly words: readonly number[];
  left: number;
  right: number;
}

/** Splits random leaves until there are enough. */
function randomTree(
  random: Random,
  features: readonly FeatureColumn[],
  leafCount: number,
): { nodes: RandomNode[]; leaves: number[] } {
  const nodes: RandomNode[] = [];
  const parents: { node: RandomNode; side: "left" | "right" }[] = [];
  for (let leaves = 1; leaves < leafCount; leaves++) {
    const split = random.integer(leaves);
    const feature = random.integer(features.length);
    const { kind, cardinality } = features[feature]!;
    const node: RandomNode = {
      feature,
      missingLeft: random.integer(2),
      // Few values, so that rows meet thresholds exactly.
      threshold: kind === "numeric" ? randomNumber(random) : 0,
      words:
        kind === "numeric"
          ? []
          : Array.from({ length: random.integer(Math.ceil(cardinality / 32) + 1) }, () => random.uint32()),
      left: ~split,
      right: ~leaves,
    };
    const parent = parents[split];
    if (parent !== undefined) parent.node[parent.side] = nodes.length;
    nodes.push(node);
    parents[split] = { node, side: "left" };
    parents[leaves] = { node, side: "right" };
  }
  return { nodes, leaves: Array.from({ length: leafCount }, () => random.float() * 2 - 1) };
}

const SPECIAL = [0, -0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 1e300];

function randomNumber(random: Random): number {
  return random.integer(4) === 0 ? SPECIAL[random.integer(SPECIAL.length)]! : random.integer(9) - 4;
}

/** Rows with missing values, infinities, unknown categories and values on thresholds. */
export function randomMatrix(
  seed: number,
  features: readonly FeatureColumn[],
  rowCount: number,
): FeatureMatrix {
  const random = createRandom(seed);
  const value = ({ kind, cardinality }: FeatureColumn): number => {
    if (random.integer(6) === 0) return Number.NaN;
    if (kind === "numeric") return randomNumber(random);
    return random.integer(12) === 0
      ? [-1, cardinality, 0.5, 2 ** 40][random.integer(4)]!
      : random.integer(cardinality);
  };
  return {
    rowCount,
    columns: features,
    values: features.map((feature) => Float64Array.from({ length: rowCount }, () => value(feature))),
  };
}

function offsets(lengths: readonly number[]): number[] {
  const sums = [0];
  for (const length of lengths) sums.push(sums.at(-1)! + length);
  return sums;
}
