import type { FeatureColumn } from "../kernel/index.ts";

/** What the sum of a forest's leaves means: log-odds that become a probability, or the predicted value itself. */
export type ForestTask = "binary" | "regression";

/**
 * An ensemble of binary decision trees whose leaf values are added up, as flat arrays.
 *
 * The score of a row is `base`, plus the value of the leaf it reaches in tree 0, plus that of tree 1, and so on, in
 * this order: the sum of doubles depends on it, and so does every replay.
 *
 * A tree owns the nodes `[treeNodes[t], treeNodes[t + 1])` and the leaves `[treeLeaves[t], treeLeaves[t + 1])`; its
 * first node is its root. A tree of one leaf has no node. Children are numbered within their tree: `c ≥ 0` is node c,
 * `c < 0` is leaf `~c`. A child node always has a higher number than its parent, so that walking ends.
 */
export interface Forest {
  readonly task: ForestTask;
  readonly features: readonly FeatureColumn[];
  readonly base: number;
  /** Length: trees + 1. */
  readonly treeNodes: Int32Array;
  /** Length: trees + 1. */
  readonly treeLeaves: Int32Array;

  /** Per node: index into `features`. Whether the split is numeric or categorical follows from the feature. */
  readonly nodeFeature: Int32Array;
  /** Per node: 1 when missing values (NaN) go left, 0 when they go right. */
  readonly nodeMissingLeft: Uint8Array;
  /** Per node: a numeric value goes left when `x <= threshold`. 0 in categorical nodes. */
  readonly nodeThreshold: Float64Array;
  readonly nodeLeft: Int32Array;
  readonly nodeRight: Int32Array;
  /**
   * Length: nodes + 1. The codes that go left in categorical node n are the set bits of
   * `categoryWords[nodeCategories[n] … nodeCategories[n + 1])`, lowest bit of the first word first; codes beyond it go
   * right. Numeric nodes have an empty range.
   */
  readonly nodeCategories: Int32Array;
  readonly categoryWords: Uint32Array;

  readonly leafValue: Float64Array;
  /** Per leaf: number of training rows that reached it. */
  readonly leafCover: Float64Array;
}

export function treeCount(forest: Forest): number {
  return forest.treeNodes.length - 1;
}

/**
 * The first rule of the format that `forest` breaks, as text for a message, or undefined when it is sound. Every array
 * access of the engines is safe on a sound forest, and every walk ends.
 */
export function problemOf(forest: Forest): string | undefined {
  return (
    problemOfFeatures(forest.features) ??
    problemOfLengths(forest) ??
    problemOfLeaves(forest) ??
    problemOfNodes(forest) ??
    problemOfTrees(forest)
  );
}

function problemOfFeatures(features: readonly FeatureColumn[]): string | undefined {
  const names = new Set<string>();
  for (const { name, kind, cardinality } of features) {
    if (names.has(name)) return `two features are called "${name}"`;
    names.add(name);
    if (!Number.isInteger(cardinality) || cardinality < 0 || cardinality > 0x7fffffff)
      return `feature "${name}" has cardinality ${cardinality}`;
    if (kind === "numeric" && cardinality !== 0) return `numeric feature "${name}" has a cardinality`;
  }
  return undefined;
}

function problemOfLengths(forest: Forest): string | undefined {
  const nodes = forest.nodeFeature.length;
  const leaves = forest.leafValue.length;
  const perNode = [forest.nodeMissingLeft, forest.nodeThreshold, forest.nodeLeft, forest.nodeRight];
  if (perNode.some((column) => column.length !== nodes)) return "its node arrays differ in length";
  if (forest.leafCover.length !== leaves) return "its leaf arrays differ in length";
  return (
    problemOfOffsets("tree node offsets", forest.treeNodes, nodes) ??
    problemOfOffsets("tree leaf offsets", forest.treeLeaves, leaves) ??
    (forest.treeNodes.length === forest.treeLeaves.length ? undefined : "its tree arrays differ in length") ??
    (forest.nodeCategories.length === nodes + 1 ? undefined : "its category offsets have the wrong length") ??
    problemOfOffsets("category offsets", forest.nodeCategories, forest.categoryWords.length)
  );
}

function problemOfOffsets(what: string, offsets: Int32Array, end: number): string | undefined {
  if (offsets.length === 0 || offsets[0] !== 0 || offsets.at(-1) !== end)
    return `its ${what} do not run from 0 to ${end}`;
  for (let i = 1; i < offsets.length; i++) if (offsets[i]! < offsets[i - 1]!) return `its ${what} go back`;
  return undefined;
}

function problemOfLeaves(forest: Forest): string | undefined {
  if (!Number.isFinite(forest.base)) return `its base is ${forest.base}`;
  for (let leaf = 0; leaf < forest.leafValue.length; leaf++) {
    if (!Number.isFinite(forest.leafValue[leaf]!)) return `leaf ${leaf} has value ${forest.leafValue[leaf]}`;
    if (!(forest.leafCover[leaf]! >= 0 && forest.leafCover[leaf]! < Number.POSITIVE_INFINITY))
      return `leaf ${leaf} has cover ${forest.leafCover[leaf]}`;
  }
  return undefined;
}

function problemOfNodes(forest: Forest): string | undefined {
  for (let node = 0; node < forest.nodeFeature.length; node++) {
    const feature = forest.features[forest.nodeFeature[node]!];
    if (feature === undefined)
      return `node ${node} asks for feature ${forest.nodeFeature[node]} of ${forest.features.length}`;
    if (forest.nodeMissingLeft[node]! > 1) return `node ${node} has an unknown flag`;
    if (Number.isNaN(forest.nodeThreshold[node]!)) return `node ${node} has no threshold (NaN)`;
    const words = forest.nodeCategories[node + 1]! - forest.nodeCategories[node]!;
    if (words > Math.ceil(feature.cardinality / 32))
      return `node ${node} has ${words} words of categories, more than feature "${feature.name}" has codes for`;
  }
  return undefined;
}

/** Every node but the root and every leaf has exactly one parent, which stands before it. */
function problemOfTrees(forest: Forest): string | undefined {
  for (let tree = 0; tree < treeCount(forest); tree++) {
    const first = forest.treeNodes[tree]!;
    const nodes = forest.treeNodes[tree + 1]! - first;
    const leaves = forest.treeLeaves[tree + 1]! - forest.treeLeaves[tree]!;
    if (leaves !== nodes + 1) return `tree ${tree} has ${nodes} nodes and ${leaves} leaves`;
    const seen = new Uint8Array(nodes + leaves);
    for (let node = 0; node < nodes; node++) {
      for (const child of [forest.nodeLeft[first + node]!, forest.nodeRight[first + node]!]) {
        if (child >= nodes || ~child >= leaves)
          return `node ${node} of tree ${tree} has child ${child}, which does not exist`;
        if (child >= 0 && child <= node)
          return `node ${node} of tree ${tree} has child ${child}, which does not come after it`;
        const place = child >= 0 ? child : nodes + ~child;
        if (seen[place] === 1) return `node ${node} of tree ${tree} shares its child ${child} with another`;
        seen[place] = 1;
      }
    }
  }
  return undefined;
}
