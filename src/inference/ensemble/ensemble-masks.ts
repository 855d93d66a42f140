import type { Forest } from "../forest.ts";
import { createForestMasks } from "../forest-masks.ts";
import { type Ensemble, splitKinds } from "./ensemble.ts";
import type { EnsembleWalk } from "./ensemble-walk.ts";

/**
 * The way without walking, for ensembles that add in float64 and whose nodes are those of a forest: one forest for
 * each sum, in the order of its trees, so that every sum has the same bits either way.
 *
 * @returns undefined when the ensemble is of another kind, or too large for masks
 */
export function createEnsembleMasks(ensemble: Ensemble): EnsembleWalk | undefined {
  const { base, arithmetic, aggregate, baseIs, divisor } = ensemble;
  if (arithmetic !== "float64" || aggregate !== "sum" || baseIs !== "first") return undefined;
  if (!hasForestNodes(ensemble)) return undefined;
  const treesOfSum = treesBySum(ensemble);
  if (treesOfSum === undefined) return undefined;
  const width = ensemble.features.length;
  const scorers: ((row: Float64Array) => number)[] = [];
  for (const [sum, trees] of treesOfSum.entries()) {
    const masks = createForestMasks(forestOf(ensemble, trees, base[sum]!));
    if (masks === undefined) return undefined;
    scorers.push(masks.scoreRow);
  }
  return {
    addUp(row, offset, sums) {
      const own = offset === 0 && row.length === width ? row : row.subarray(offset, offset + width);
      for (let sum = 0; sum < scorers.length; sum++) {
        const score = scorers[sum]!(own);
        sums[sum] = divisor === 1 ? score : score / divisor;
      }
    },
  };
}

function hasForestNodes({ features, nodeKind, nodeFeature, nodeCategories }: Ensemble): boolean {
  return nodeKind.every((kind, node) => {
    const feature = features[nodeFeature[node]!]!;
    if (kind === splitKinds.atMost) return feature.kind === "numeric";
    if (kind !== splitKinds.category || feature.kind !== "categorical") return false;
    return nodeCategories[node + 1]! - nodeCategories[node]! <= Math.ceil(feature.cardinality / 32);
  });
}

/** Undefined when a leaf adds to no sum, to several, or to another than the rest of its tree. */
function treesBySum({ base, treeLeaves, leafEntries, entrySum }: Ensemble): number[][] | undefined {
  const trees: number[][] = Array.from(base, () => []);
  for (let tree = 0; tree + 1 < treeLeaves.length; tree++) {
    const sum = entrySum[leafEntries[treeLeaves[tree]!]!];
    for (let leaf = treeLeaves[tree]!; leaf < treeLeaves[tree + 1]!; leaf++) {
      const entry = leafEntries[leaf]!;
      if (leafEntries[leaf + 1] !== entry + 1 || entrySum[entry] !== sum) return undefined;
    }
    trees[sum!]!.push(tree);
  }
  return trees;
}

function forestOf(ensemble: Ensemble, trees: readonly number[], base: number): Forest {
  const nodes = trees.flatMap((tree) => range(ensemble.treeNodes[tree]!, ensemble.treeNodes[tree + 1]!));
  const leaves = trees.flatMap((tree) => range(ensemble.treeLeaves[tree]!, ensemble.treeLeaves[tree + 1]!));
  const ends = (starts: Int32Array): Int32Array => {
    let end = 0;
    return Int32Array.from([-1, ...trees], (tree) => {
      if (tree >= 0) end += starts[tree + 1]! - starts[tree]!;
      return end;
    });
  };
  const words = nodes.map((node) =>
    ensemble.categoryWords.subarray(ensemble.nodeCategories[node]!, ensemble.nodeCategories[node + 1]!),
  );
  const nodeCategories = new Int32Array(nodes.length + 1);
  for (const [place, { length }] of words.entries())
    nodeCategories[place + 1] = nodeCategories[place]! + length;
  const categoryWords = new Uint32Array(nodeCategories.at(-1)!);
  for (const [place, own] of words.entries()) categoryWords.set(own, nodeCategories[place]!);
  return {
    task: "regression",
    features: ensemble.features,
    base,
    treeNodes: ends(ensemble.treeNodes),
    treeLeaves: ends(ensemble.treeLeaves),
    nodeFeature: Int32Array.from(nodes, (node) => ensemble.nodeFeature[node]!),
    nodeMissingLeft: Uint8Array.from(nodes, (node) => ensemble.nodeMissingLeft[node]!),
    nodeThreshold: Float64Array.from(nodes, (node) => ensemble.nodeThreshold[node]!),
    nodeLeft: Int32Array.from(nodes, (node) => ensemble.nodeLeft[node]!),
    nodeRight: Int32Array.from(nodes, (node) => ensemble.nodeRight[node]!),
    nodeCategories,
    categoryWords,
    leafValue: Float64Array.from(leaves, (leaf) => ensemble.entryValue[ensemble.leafEntries[leaf]!]!),
    leafCover: Float64Array.from(leaves, (leaf) => ensemble.leafCover[leaf]!),
  };
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
