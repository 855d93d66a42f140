import { type Forest, treeCount } from "../../src/inference/index.ts";
import { writeGraph } from "../../src/inference/testing/write-graph.ts";

/** A forest of numeric features as an ONNX graph of the operator TreeEnsembleRegressor: `x` [n, features] → `y` [n, 1]. */
export function forestAsOnnx(forest: Forest): Uint8Array {
  const nodes = {
    tree: [] as number[],
    id: [] as number[],
    feature: [] as number[],
    mode: [] as string[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    missingLeft: [] as number[],
  };
  const leaves = { tree: [] as number[], id: [] as number[], value: [] as number[] };
  for (let tree = 0; tree < treeCount(forest); tree++) {
    const first = forest.treeNodes[tree]!;
    const splits = forest.treeNodes[tree + 1]! - first;
    const idOf = (child: number): number => (child >= 0 ? child : splits + ~child);
    for (let split = 0; split < splits; split++) {
      const node = first + split;
      nodes.tree.push(tree);
      nodes.id.push(split);
      nodes.feature.push(forest.nodeFeature[node]!);
      nodes.mode.push("BRANCH_LEQ");
      nodes.threshold.push(forest.nodeThreshold[node]!);
      nodes.left.push(idOf(forest.nodeLeft[node]!));
      nodes.right.push(idOf(forest.nodeRight[node]!));
      nodes.missingLeft.push(forest.nodeMissingLeft[node]!);
    }
    const firstLeaf = forest.treeLeaves[tree]!;
    for (let leaf = 0; leaf < forest.treeLeaves[tree + 1]! - firstLeaf; leaf++) {
      nodes.tree.push(tree);
      nodes.id.push(splits + leaf);
      nodes.feature.push(0);
      nodes.mode.push("LEAF");
      nodes.threshold.push(0);
      nodes.left.push(0);
      nodes.right.push(0);
      nodes.missingLeft.push(0);
      leaves.tree.push(tree);
      leaves.id.push(splits + leaf);
      leaves.value.push(forest.leafValue[firstLeaf + leaf]!);
    }
  }
  return writeGraph({
    inputs: [{ name: "x", type: "float", shape: ["n", forest.features.length] }],
    outputs: [{ name: "y", type: "float", shape: ["n", 1] }],
    nodes: [
      {
        op: "TreeEnsembleRegressor",
        domain: "ai.onnx.ml",
        inputs: ["x"],
        outputs: ["y"],
        attributes: {
          n_targets: 1,
          base_values: Float32Array.of(forest.base),
          nodes_treeids: nodes.tree,
          nodes_nodeids: nodes.id,
          nodes_featureids: nodes.feature,
          nodes_modes: nodes.mode,
          nodes_values: Float32Array.from(nodes.threshold),
          nodes_truenodeids: nodes.left,
          nodes_falsenodeids: nodes.right,
          nodes_missing_value_tracks_true: nodes.missingLeft,
          target_treeids: leaves.tree,
          target_nodeids: leaves.id,
          target_ids: leaves.tree.map(() => 0),
          target_weights: Float32Array.from(leaves.value),
        },
      },
    ],
  });
}
