import type { OriginNode } from "../../ensemble/ensemble-builder.ts";
import { badFile, unsupported } from "../origin-model.ts";
import type { Attributes } from "./graph.ts";
import { branchModes, listOf, requireIndexes, splitOf, type TreeTable } from "./tree-attributes.ts";

/**
 * The trees of TreeEnsemble (ai.onnx.ml 5): branches and leaves in two lists, children numbered in whichever of them
 * the flags name. Here leaf l is `~l`.
 */
export function readTreeEnsemble(attributes: Attributes, single: boolean): TreeTable {
  const features = attributes.integers("nodes_featureids");
  const length = features.length;
  const list = (name: string, fallback?: number) =>
    listOf(attributes.integers(name), name, fallback === undefined ? { length } : { length, fallback });
  const whenTrue = list("nodes_truenodeids");
  const whenFalse = list("nodes_falsenodeids");
  const trueLeafs = list("nodes_trueleafs");
  const falseLeafs = list("nodes_falseleafs");
  const missingIsTrue = list("nodes_missing_value_tracks_true", 0);
  const values = listOf(attributes.tensor("nodes_splits"), "nodes_splits", { length });
  const hitrates = attributes.tensor("nodes_hitrates");
  const modes = listOf(attributes.tensor("nodes_modes"), "nodes_modes", { length });
  const members = membersOf(modes, attributes.tensor("membership_values"));
  const sums = attributes.integers("leaf_targetids");
  const weights = listOf(attributes.tensor("leaf_weights"), "leaf_weights", { length: sums.length });
  const roots = attributes.integers("tree_roots");
  const targets = attributes.integer("n_targets", 1);
  requireIndexes([targets], "n_targets");
  requireIndexes(roots, "tree_roots", length);
  requireIndexes(features, "nodes_featureids", 1_000_000);
  requireIndexes(sums, "leaf_targetids", targets);

  const childOf = (
    place: number,
    side: { readonly ids: readonly number[]; readonly leafs: readonly number[] },
  ) => {
    const id = side.ids[place]!;
    const isLeaf = side.leafs[place] === 1;
    if (!(Number.isInteger(id) && id >= 0 && id < (isLeaf ? sums.length : length)))
      throw badFile("onnx", `node ${place} has child ${id}, which does not exist`);
    return isLeaf ? ~id : id;
  };
  const leafOf = (leaf: number): OriginNode => {
    const value = single ? Math.fround(weights[leaf]!) : weights[leaf]!;
    return { adds: [{ sum: sums[leaf]!, value }], cover: 0 };
  };
  const nodeOf = (place: number): OriginNode => {
    if (place < 0) return leafOf(~place);
    const left = childOf(place, { ids: whenTrue, leafs: trueLeafs });
    const right = childOf(place, { ids: whenFalse, leafs: falseLeafs });
    // A tree of one leaf is written as a node whose two children are that leaf.
    if (left < 0 && left === right) return leafOf(~left);
    const mode = branchModes[modes[place]!];
    if (mode === undefined) throw unsupported("onnx", `node mode ${modes[place]}`);
    return splitOf(
      {
        mode,
        feature: features[place]!,
        value: values[place]!,
        members: members.get(place) ?? [],
        missingIsTrue: missingIsTrue[place] === 1,
        whenTrue: left,
        whenFalse: right,
      },
      single,
    );
  };
  if (hitrates.length !== 0) listOf(hitrates, "nodes_hitrates", { length });
  return {
    roots,
    nodeOf,
    featureCount: features.reduce((count, feature) => Math.max(count, feature + 1), 0),
    targets,
    added: new Set(sums),
    isPositive: weights.every((weight) => weight >= 0),
    isFull: targets === 1,
  };
}

/** The sets of the BRANCH_MEMBER nodes follow one another in the order of the nodes, with a NaN after each. */
function membersOf(
  modes: readonly number[],
  values: readonly number[],
): ReadonlyMap<number, readonly number[]> {
  const sets: number[][] = [[]];
  for (const value of values) {
    if (Number.isNaN(value)) sets.push([]);
    else sets.at(-1)!.push(value);
  }
  if (sets.at(-1)!.length === 0) sets.pop();
  const owners = modes.flatMap((mode, place) => (branchModes[mode] === "BRANCH_MEMBER" ? [place] : []));
  if (owners.length !== sets.length)
    throw badFile("onnx", `membership_values has ${sets.length} sets for ${owners.length} nodes`);
  return new Map(owners.map((place, at) => [place, sets[at]!]));
}
