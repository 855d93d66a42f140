import type { FeatureMatrix } from "../../kernel/index.ts";
import type { Forest } from "../forest.ts";
import { createForestMasks } from "../forest-masks.ts";
import { createForestWalk } from "../forest-walk.ts";
import type { SlotRule } from "../slot-rule.ts";
import { type Ensemble, splitKinds, ZERO_UP_TO } from "./ensemble.ts";
import type { EnsembleWalk } from "./ensemble-walk.ts";

/** An ensemble as one forest for each sum. */
export interface EnsembleForests extends EnsembleWalk {
  /** Aggregates rows of a matrix; where that is quicker than row by row. @param sums `base.length` for each row */
  readonly addUpRows:
    | ((values: FeatureMatrix["values"], start: number, sums: Float64Array) => void)
    | undefined;
}

/**
 * The quick ways, for ensembles whose leaves add to the one sum of their tree: one forest for each sum, in the order of its
 * trees and with its roundings, so that every sum has the same bits whichever way it is made.
 *
 * @returns undefined when the ensemble is of another kind
 */
export function createEnsembleForests(ensemble: Ensemble): EnsembleForests | undefined {
  const { base, arithmetic, aggregate, baseIs, divisor } = ensemble;
  if (aggregate !== "sum") return undefined;
  const single = arithmetic === "float32";
  const rules = rulesOf(ensemble);
  const treesOfSum = treesBySum(ensemble);
  if (treesOfSum === undefined || rules === undefined) return undefined;
  const width = ensemble.features.length;
  const isLast = baseIs === "last";
  const round = single ? Math.fround : (value: number) => value;
  const forests = treesOfSum.map((trees, sum) => forestOf(ensemble, trees, isLast ? 0 : base[sum]!));
  const masks = forests.map((forest) => createForestMasks(forest, { rules, single }));
  const walks = masks.every((own) => own !== undefined)
    ? undefined
    : forests.map((forest) => createForestWalk(forest, { rules, single }));
  const scorers = (walks ?? masks).map((own) => own!.scoreRow);
  const finish = (sum: number, score: number): number => {
    const total = divisor === 1 ? score : round(score / divisor);
    return isLast ? round(total + base[sum]!) : total;
  };
  return {
    addUp(row, offset, sums) {
      const own = offset === 0 && row.length === width ? row : row.subarray(offset, offset + width);
      for (let sum = 0; sum < scorers.length; sum++) sums[sum] = finish(sum, scorers[sum]!(own));
    },
    addUpRows:
      walks &&
      ((values, start, sums) => {
        const scores = new Float64Array(sums.length / walks.length);
        for (const [sum, walk] of walks.entries()) {
          walk.scoreRows(values, start, scores);
          for (let row = 0; row < scores.length; row++)
            sums[row * walks.length + sum] = finish(sum, scores[row]!);
        }
      }),
  };
}

/** How values fall into slots; undefined when nodes of one feature treat them in different ways, or by single values. */
function rulesOf(ensemble: Ensemble): SlotRule[] | undefined {
  const { features, nodeKind, nodeFeature, nodeCategories, arithmetic } = ensemble;
  const kinds = new Array<number | undefined>(features.length);
  const codes = new Array<number>(features.length).fill(0);
  for (let node = 0; node < nodeKind.length; node++) {
    const feature = nodeFeature[node]!;
    const kind = nodeKind[node]!;
    if (kind === splitKinds.member || (kinds[feature] ?? kind) !== kind) return undefined;
    kinds[feature] = kind;
    codes[feature] = Math.max(codes[feature]!, (nodeCategories[node + 1]! - nodeCategories[node]!) * 32);
  }
  const rules: SlotRule[] = [];
  for (const [at, { kind, cardinality }] of features.entries()) {
    const isCategorical = kind === "categorical";
    switch (kinds[at]) {
      case splitKinds.category:
        if (isCategorical && codes[at]! > Math.ceil(cardinality / 32) * 32) return undefined;
        rules.push(
          isCategorical
            ? { kind: "code", codes: cardinality }
            : { kind: "whole part", codes: codes[at]!, single: arithmetic === "float32" },
        );
        break;
      case splitKinds.atMostZeroMissing:
        rules.push({ kind: "threshold, zero missing", zeroUpTo: ZERO_UP_TO });
        break;
      default:
        rules.push({ kind: "threshold" });
    }
  }
  return rules;
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
