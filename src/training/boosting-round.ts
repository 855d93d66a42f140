import { createRandom } from "../kernel/index.ts";
import type { Crew } from "./gbdt-crew.ts";
import { lossBlocks, validationWeight } from "./gbdt-preparation.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import { powerAtLeast } from "./quantisation.ts";
import { drawColumns, drawRows } from "./sampling.ts";
import type { TrainingData } from "./trainer.ts";
import { type GrownTree, growTree } from "./tree-growth.ts";

/** Steps over fewer rows are not worth waking another thread. */
const ROWS_WORTH_SHARING = 8000;

/**
 * @returns a function that draws rows and columns, computes gradients, grows a tree and adds it to the scores of the
 * training rows
 */
export function createIteration(
  training: { readonly plan: TrainingPlan; readonly crew: Crew; readonly largestWeight: number },
  seed: number,
): () => GrownTree {
  const { plan, crew } = training;
  const { spec, layout, features } = plan;
  const { buffer } = plan.memory;
  const { rows } = layout.train;
  const index = new Uint32Array(buffer, layout.train.index, rows);
  const active = new Uint8Array(buffer, layout.active, features.length);
  const residuals = new Float64Array(buffer, layout.residuals, layout.threads);
  const rowDraws = createRandom(seed).fork("rows");
  const columnDraws = createRandom(seed).fork("columns");
  const drawn = spec.rowShare < 1 ? Math.max(1, Math.round(rows * spec.rowShare)) : rows;
  const drawnColumns = Math.max(1, Math.round(features.length * spec.columnShare));
  const parts = rows >= ROWS_WORTH_SHARING ? crew.threads : 1;

  function largestGradient(): number {
    if (plan.objective === "binary") return training.largestWeight;
    crew.run({ kind: "residuals", parts });
    return residuals.subarray(0, parts).reduce((most, residual) => Math.max(most, residual), 0);
  }

  return () => {
    if (drawnColumns < features.length) drawColumns(columnDraws, drawnColumns, active);
    if (drawn < rows) drawRows(rowDraws, drawn, index);
    const gradientScale = plan.gradientRange / powerAtLeast(largestGradient());
    crew.run({ kind: "gradients", parts, gradientScale, reset: drawn === rows });
    const tree = growTree(plan, crew, { drawn, gradientUnit: 1 / gradientScale });
    if (tree.nodes.length > 0) {
      writeTree(plan, tree);
      crew.run({ kind: "scores", parts, leaves: tree.leaves.length, drawn });
    }
    return tree;
  };
}

/**
 * @returns a function that adds a tree to the scores of the validation rows and gives their metric; undefined when
 * there are no validation rows
 */
export function createMetric(
  plan: TrainingPlan,
  data: TrainingData,
): ((crew: Crew, tree: GrownTree) => number) | undefined {
  const { layout } = plan;
  if (layout.validate === undefined) return undefined;
  const total = validationWeight(data);
  const losses = new Float64Array(plan.memory.buffer, layout.losses, 2 * lossBlocks(layout));
  const { rows } = layout.validate;
  return (crew, tree) => {
    const parts = rows >= ROWS_WORTH_SHARING ? crew.threads : 1;
    crew.run({ kind: "validate", parts, hasTree: tree.nodes.length > 0 });
    let sum = 0;
    for (let block = 0; block < losses.length; block += 2) sum += losses[block]!;
    return plan.objective === "binary" ? sum / total : Math.sqrt(sum / total);
  };
}

/** Puts a finished tree where the threads look for it. Its tables are there since its nodes were split. */
function writeTree(plan: TrainingPlan, tree: GrownTree): void {
  const { layout, spec } = plan;
  const { buffer } = plan.memory;
  const values = new Float64Array(buffer, layout.leafValues, tree.leaves.length);
  const ranges = new Uint32Array(buffer, layout.leafRanges, 2 * tree.leaves.length);
  tree.leaves.forEach((leaf, i) => {
    values[i] = leaf.value * spec.learningRate;
    ranges[2 * i] = leaf.begin;
    ranges[2 * i + 1] = leaf.end;
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
