import type { OriginLeaf, OriginNode } from "../../ensemble/ensemble-builder.ts";
import { badFile, unsupported } from "../origin-model.ts";
import type { Attributes } from "./graph.ts";
import {
  type BranchMode,
  branchModes,
  listOf,
  requireIndexes,
  splitOf,
  type TreeTable,
} from "./tree-attributes.ts";

/** What leaves add to: `target` of a regressor, `class` of a classifier. */
type Role = "target" | "class";

const bad = (what: string) => badFile("onnx", what);

/**
 * The trees of TreeEnsembleRegressor and TreeEnsembleClassifier (ai.onnx.ml 1 to 4): branches and leaves in one list,
 * each with the number of its tree and its own within the tree.
 */
export function readLegacyTrees(
  attributes: Attributes,
  given: { readonly role: Role; readonly targets: number; readonly single: boolean },
): TreeTable {
  const treeIds = attributes.integers("nodes_treeids");
  const length = treeIds.length;
  const list = (name: string, fallback?: number) =>
    listOf(attributes.integers(name), name, fallback === undefined ? { length } : { length, fallback });
  const nodeIds = list("nodes_nodeids");
  const features = list("nodes_featureids");
  const whenTrue = list("nodes_truenodeids");
  const whenFalse = list("nodes_falsenodeids");
  const missingIsTrue = list("nodes_missing_value_tracks_true", 0);
  const values = listOf(attributes.floats("nodes_values"), "nodes_values", { length });
  const hitrates = listOf(attributes.floats("nodes_hitrates"), "nodes_hitrates", { length, fallback: 0 });
  const modes = attributes.texts("nodes_modes");
  if (modes.length !== length) throw bad(`nodes_modes has ${modes.length} values, ${length} are expected`);

  const places = new Map<string, number>();
  const roots = new Map<number, number>();
  for (let place = 0; place < length; place++) {
    const key = keyOf(treeIds[place]!, nodeIds[place]!);
    if (places.has(key)) throw bad(`tree ${treeIds[place]} has two nodes numbered ${nodeIds[place]}`);
    places.set(key, place);
    if (!roots.has(treeIds[place]!)) roots.set(treeIds[place]!, place);
  }
  const placeOf = (tree: number, node: number): number => {
    const place = places.get(keyOf(tree, node));
    if (place === undefined) throw bad(`tree ${tree} has no node ${node}`);
    return place;
  };
  const { leaves, ...additions } = readLeaves(attributes, { ...given, placeOf });

  const nodeOf = (place: number): OriginNode => {
    const mode = modes[place]!;
    if (mode === "LEAF") return { adds: leaves.get(place) ?? [], cover: hitrates[place]! };
    if (!isBranchMode(mode)) throw unsupported("onnx", `node mode "${mode.slice(0, 40)}"`);
    const tree = treeIds[place]!;
    return splitOf(
      {
        mode,
        feature: features[place]!,
        value: values[place]!,
        members: [],
        missingIsTrue: missingIsTrue[place] === 1,
        whenTrue: placeOf(tree, whenTrue[place]!),
        whenFalse: placeOf(tree, whenFalse[place]!),
      },
      given.single,
    );
  };
  const asked = features.filter((_, place) => modes[place] !== "LEAF");
  requireIndexes(asked, "nodes_featureids", 1_000_000);
  return {
    roots: [...roots.values()],
    nodeOf,
    featureCount: asked.reduce((count, feature) => Math.max(count, feature + 1), 0),
    targets: given.targets,
    ...additions,
    isFull: modes.every(
      (mode, place) =>
        mode !== "LEAF" || new Set(leaves.get(place)?.map(({ sum }) => sum)).size === given.targets,
    ),
  };
}

function isBranchMode(mode: string): mode is Exclude<BranchMode, "BRANCH_MEMBER"> {
  return mode !== "BRANCH_MEMBER" && branchModes.some((known) => known === mode);
}

function readLeaves(
  attributes: Attributes,
  given: {
    readonly role: Role;
    readonly targets: number;
    readonly single: boolean;
    readonly placeOf: (tree: number, node: number) => number;
  },
): { readonly leaves: ReadonlyMap<number, OriginLeaf["adds"]> } & Pick<TreeTable, "added" | "isPositive"> {
  const { role, targets, single, placeOf } = given;
  const trees = attributes.integers(`${role}_treeids`);
  const rule = { length: trees.length };
  const nodes = listOf(attributes.integers(`${role}_nodeids`), `${role}_nodeids`, rule);
  const sums = listOf(attributes.integers(`${role}_ids`), `${role}_ids`, rule);
  const weights = listOf(attributes.floats(`${role}_weights`), `${role}_weights`, rule);
  requireIndexes(sums, `${role}_ids`, targets);
  const leaves = new Map<number, { sum: number; value: number }[]>();
  for (let i = 0; i < trees.length; i++) {
    const place = placeOf(trees[i]!, nodes[i]!);
    const add = { sum: sums[i]!, value: single ? Math.fround(weights[i]!) : weights[i]! };
    const known = leaves.get(place);
    if (known === undefined) leaves.set(place, [add]);
    else known.push(add);
  }
  return { leaves, added: new Set(sums), isPositive: weights.every((weight) => weight >= 0) };
}

function keyOf(tree: number, node: number): string {
  return `${tree} ${node}`;
}
