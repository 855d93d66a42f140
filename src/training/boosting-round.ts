import { createRandom } from "../kernel/index.ts";
import type { Crew } from "./gbdt-crew.ts";
import { LOSS_BLOCK } from "./gbdt-memory.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import { finishLoss, gradientBound, hessianBound, lossOffset, outputsOf, renewalShare } from "./objective.ts";
import { powerAtLeast } from "./quantisation.ts";
import { drawColumns, drawRows } from "./sampling.ts";
import type { TrainingData, TrainingSet } from "./trainer.ts";
import { type GrownTree, growTree } from "./tree-growth.ts";

/** Steps over fewer rows are not worth waking another thread. */
const ROWS_WORTH_SHARING = 8000;

/**
 * @returns a function that draws rows and columns, and for each output computes gradients, grows a tree and adds it to the
 * scores of the training and validation rows
 */
export function createIteration(
  training: { readonly plan: TrainingPlan; readonly crew: Crew; readonly largestWeight: number },
  seed: number,
): () => readonly GrownTree[] {
  const { plan, crew, largestWeight } = training;
  const { spec, layout, features, objective } = plan;
  const { buffer } = plan.memory;
  const { rows } = layout.train;
  const outputs = outputsOf(objective);
  const renewal = renewalShare(objective);
  const index = new Uint32Array(buffer, layout.train.index, rows);
  const active = new Uint8Array(buffer, layout.active, features.length);
  const extremes = new Float64Array(buffer, layout.extremes, 2 * layout.threads);
  const renewed = new Float64Array(buffer, layout.leafValues, layout.leaves);
  const rowDraws = createRandom(seed).fork("rows");
  const columnDraws = createRandom(seed).fork("columns");
  const drawn = spec.rowShare < 1 ? Math.max(1, Math.round(rows * spec.rowShare)) : rows;
  const drawnColumns = Math.max(1, Math.round(features.length * spec.columnShare));
  const partsFor = (count: number) => (count >= ROWS_WORTH_SHARING ? crew.threads : 1);
  const parts = partsFor(rows);

  /** What derivatives are multiplied with to become integers: powers of two. */
  function scalesOf(): { gradientScale: number; hessianScale: number } {
    const bound = { gradient: gradientBound(objective), hessian: hessianBound(objective) };
    let largest = { gradient: 0, hessian: 0 };
    if (bound.gradient === undefined || bound.hessian === undefined) {
      crew.run({ kind: "extremes", parts });
      for (let part = 0; part < parts; part++) {
        largest = {
          gradient: Math.max(largest.gradient, extremes[2 * part]!),
          hessian: Math.max(largest.hessian, extremes[2 * part + 1]!),
        };
      }
    }
    const gradientRange = powerAtLeast(
      bound.gradient === undefined ? largest.gradient : bound.gradient * largestWeight,
    );
    const hessianRange =
      bound.hessian === undefined
        ? powerAtLeast(largest.hessian)
        : powerAtLeast(largestWeight) * bound.hessian;
    return {
      gradientScale: plan.gradientRange / gradientRange,
      hessianScale: plan.hessianRange / hessianRange,
    };
  }

  /** Gives the leaves of a grown tree the values that fit their rows best, where Newton's step does not. */
  function renewLeaves(tree: GrownTree, share: number): void {
    crew.run({ kind: "renew", parts, leaves: tree.leaves.length, share });
    for (const [i, leaf] of tree.leaves.entries()) leaf.value = renewed[i]!;
  }

  function grow(output: number): GrownTree {
    if (drawnColumns < features.length) drawColumns(columnDraws, drawnColumns, active);
    const { gradientScale, hessianScale } = scalesOf();
    crew.run({ kind: "gradients", parts, gradientScale, hessianScale, output, reset: drawn === rows });
    const units = { gradientUnit: 1 / gradientScale, hessianUnit: 1 / hessianScale };
    const tree = growTree(plan, crew, { drawn, ...units });
    if (tree.nodes.length === 0) return tree;
    writeRanges(plan, tree);
    if (renewal !== undefined) renewLeaves(tree, renewal);
    writeTree(plan, tree);
    crew.run({ kind: "scores", parts, leaves: tree.leaves.length, drawn, output });
    if (layout.validate !== undefined)
      crew.run({ kind: "validate", parts: partsFor(layout.validate.rows), output });
    return tree;
  }

  return () => {
    if (drawn < rows) drawRows(rowDraws, drawn, index);
    if (objective.kind === "softmax") crew.run({ kind: "normalise", parts });
    return Array.from({ length: outputs }, (_, output) => grow(output));
  };
}

/** @returns functions that measure the mean loss of the rows of a set; undefined for a set that there is not */
export function createMetrics(
  plan: TrainingPlan,
  crew: Crew,
  data: TrainingData,
): { readonly train: () => number; readonly validate: (() => number) | undefined } {
  const { layout, objective } = plan;
  const metricOf = (of: "train" | "validate", { target, weights }: TrainingSet) => {
    const count = target.length;
    const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? count;
    const offset = lossOffset(objective, target, weights);
    const losses = new Float64Array(plan.memory.buffer, layout.losses, 2 * Math.ceil(count / LOSS_BLOCK));
    const parts = count >= ROWS_WORTH_SHARING ? crew.threads : 1;
    return () => {
      crew.run({ kind: "losses", parts, of });
      let sum = 0;
      for (let block = 0; block < losses.length; block += 2) sum += losses[block]!;
      return finishLoss(objective, { sum, offset, total });
    };
  };
  return {
    train: metricOf("train", data.train),
    validate: data.validate === undefined ? undefined : metricOf("validate", data.validate),
  };
}

function writeRanges(plan: TrainingPlan, tree: GrownTree): void {
  const ranges = new Uint32Array(plan.memory.buffer, plan.layout.leafRanges, 2 * tree.leaves.length);
  tree.leaves.forEach((leaf, i) => {
    ranges[2 * i] = leaf.begin;
    ranges[2 * i + 1] = leaf.end;
  });
}

/** Puts a finished tree where the threads look for it. Its tables are there since its nodes were split. */
function writeTree(plan: TrainingPlan, tree: GrownTree): void {
  const { layout, spec } = plan;
  const { buffer } = plan.memory;
  const values = new Float64Array(buffer, layout.leafValues, tree.leaves.length);
  tree.leaves.forEach((leaf, i) => {
    values[i] = leaf.value * spec.learningRate;
  });
  const writeNodes = (at: number, columns: number, stride: number) => {
    const nodes = new Int32Array(buffer, at, 3 * tree.nodes.length);
    tree.nodes.forEach(({ split, left, right }, i) => {
      nodes[3 * i] = columns + split.feature * stride;
      nodes[3 * i + 1] = left;
      nodes[3 * i + 2] = right;
    });
  };
  const { train, validate } = layout;
  writeNodes(layout.trainNodes, train.columns, train.columnStride);
  if (validate !== undefined) writeNodes(layout.validateNodes, validate.columns, validate.columnStride);
}
