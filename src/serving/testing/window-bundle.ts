import { writeBundle } from "../../bundle/index.ts";
import { compilePlan, type DerivedColumn, type FeaturePlan, planFormat } from "../../features/index.ts";
import { encodeForest } from "../../inference/index.ts";
import type { Digest } from "../../kernel/index.ts";
import type { BlobStore } from "../../storage/index.ts";

export interface WindowBundle {
  readonly columns: FeaturePlan["columns"];
  readonly derived: readonly DerivedColumn[];
  /** Added to every prediction, so that bundles differ. */
  readonly base?: number;
}

/** A real bundle whose features are its derived columns as they are, each halved at 1 by one split of a small forest. */
export async function writeWindowBundle(
  blobs: BlobStore,
  { columns, derived, base = 0 }: WindowBundle,
): Promise<Digest> {
  const plan: FeaturePlan = {
    format: planFormat,
    columns,
    derived,
    dictionaries: [],
    slots: derived.map((_, at) => ({ read: "derived", derived: at })),
    steps: [],
    outputs: derived.map(({ name }, value) => ({ kind: "numeric", name, value })),
  };
  const kernel = compilePlan(plan);
  const trees = derived.length;
  const model = encodeForest({
    task: "regression",
    features: kernel.outputs,
    base,
    treeNodes: Int32Array.from({ length: trees + 1 }, (_, tree) => tree),
    treeLeaves: Int32Array.from({ length: trees + 1 }, (_, tree) => tree * 2),
    nodeFeature: Int32Array.from({ length: trees }, (_, tree) => tree),
    nodeMissingLeft: new Uint8Array(trees).fill(1),
    nodeThreshold: new Float64Array(trees).fill(1),
    nodeLeft: new Int32Array(trees).fill(-1),
    nodeRight: new Int32Array(trees).fill(-2),
    nodeCategories: new Int32Array(trees + 1),
    categoryWords: new Uint32Array(0),
    leafValue: Float64Array.from(
      { length: trees * 2 },
      (_, leaf) => (leaf % 2 === 0 ? -0.1 : 0.1) * (leaf + 1),
    ),
    leafCover: new Float64Array(trees * 2).fill(6),
  });
  const signature = { inputs: kernel.inputs, output: { name: "value", task: "regression" as const } };
  const { digest } = await writeBundle(blobs, { engine: "forest", model, plan, signature, profile: {} });
  return digest;
}
