import { type Forest, treeCount } from "./forest.ts";

const NUMERIC = 0;
const CATEGORICAL = 1;

/**
 * Sums the leaves that a row reaches by walking from node to node: right for every forest, and what the batch path
 * does when trees have more leaves than a mask has bits.
 */
export interface ForestWalk {
  scoreRow(row: Float64Array): number;
  /**
   * Adds up the scores of `rows` rows that lie one after the other in `block` (featureCount values each), tree by
   * tree, so that a tree stays in the cache while all rows pass through it.
   */
  scoreBlock(block: Float64Array, rows: number, scores: Float64Array): void;
}

export function createForestWalk(forest: Forest): ForestWalk {
  const trees = treeCount(forest);
  const { features, base, nodeFeature: feature, nodeMissingLeft: missingLeft, leafValue } = forest;
  const { nodeThreshold: threshold, nodeCategories: categories, categoryWords } = forest;
  const width = features.length;
  const cardinality = Int32Array.from(features, (column) => column.cardinality);
  const kind = Uint8Array.from(feature, (index) =>
    features[index]!.kind === "numeric" ? NUMERIC : CATEGORICAL,
  );
  const { left, right, roots } = globalChildren(forest);

  /** The leaf, counted over the whole forest, that the row starting at `offset` reaches from `start`. */
  function walk(start: number, values: Float64Array, offset: number): number {
    let node = start;
    while (node >= 0) {
      const value = values[offset + feature[node]!]!;
      let goesLeft: boolean;
      if (kind[node] === NUMERIC) {
        goesLeft = value <= threshold[node]! || (missingLeft[node] === 1 && Number.isNaN(value));
      } else if (isMissingCode(value, cardinality[feature[node]!]!)) {
        goesLeft = missingLeft[node] === 1;
      } else {
        goesLeft = isMember(node, value | 0);
      }
      node = goesLeft ? left[node]! : right[node]!;
    }
    return ~node;
  }

  function isMember(node: number, code: number): boolean {
    const word = categories[node]! + (code >>> 5);
    return word < categories[node + 1]! && ((categoryWords[word]! >>> (code & 31)) & 1) === 1;
  }

  return {
    scoreRow(row) {
      let score = base;
      for (let tree = 0; tree < trees; tree++) score += leafValue[walk(roots[tree]!, row, 0)]!;
      return score;
    },
    scoreBlock(block, rows, scores) {
      for (let row = 0; row < rows; row++) scores[row] = base;
      for (let tree = 0; tree < trees; tree++) {
        const root = roots[tree]!;
        for (let row = 0; row < rows; row++)
          scores[row] = scores[row]! + leafValue[walk(root, block, row * width)]!;
      }
    },
  };
}

/** A categorical value that is no code of its column counts as missing. */
export function isMissingCode(value: number, cardinality: number): boolean {
  return !(value >= 0 && value < cardinality && (value | 0) === value);
}

/** Children and roots numbered over the whole forest instead of within a tree. */
function globalChildren(forest: Forest): { left: Int32Array; right: Int32Array; roots: Int32Array } {
  const trees = treeCount(forest);
  const left = new Int32Array(forest.nodeLeft.length);
  const right = new Int32Array(forest.nodeRight.length);
  const roots = new Int32Array(trees);
  for (let tree = 0; tree < trees; tree++) {
    const firstNode = forest.treeNodes[tree]!;
    const firstLeaf = forest.treeLeaves[tree]!;
    const end = forest.treeNodes[tree + 1]!;
    const globally = (child: number) => (child >= 0 ? child + firstNode : ~(~child + firstLeaf));
    roots[tree] = firstNode === end ? ~firstLeaf : firstNode;
    for (let node = firstNode; node < end; node++) {
      left[node] = globally(forest.nodeLeft[node]!);
      right[node] = globally(forest.nodeRight[node]!);
    }
  }
  return { left, right, roots };
}
