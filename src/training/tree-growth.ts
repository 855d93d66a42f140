import { assertNever } from "../kernel/index.ts";
import { BIN_BYTES } from "./bin-bytes.ts";
import { binCount, type FeatureBins } from "./bins.ts";
import { hasBin } from "./categorical-split.ts";
import type { Crew } from "./gbdt-crew.ts";
import { SPLIT_DOUBLES } from "./gbdt-memory.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import { readCandidate } from "./leaf-search.ts";
import { powerOfTwo } from "./quantisation.ts";
import {
  boundedLeafValue,
  type SplitCandidate,
  type Sums,
  UNBOUNDED,
  type ValueBounds,
} from "./split-candidate.ts";

/** A tree in terms of bins. Children: node when ≥ 0, leaf `~c` when negative. */
export interface GrownTree {
  readonly nodes: readonly GrownNode[];
  readonly leaves: readonly GrownLeaf[];
}

export interface GrownNode {
  readonly split: SplitCandidate;
  left: number;
  right: number;
}

export interface GrownLeaf {
  /** Not yet multiplied with the learning rate. */
  value: number;
  /** The leaf's rows are those at these places of the index. */
  readonly begin: number;
  readonly end: number;
}

interface OpenLeaf {
  readonly begin: number;
  readonly end: number;
  readonly depth: number;
  readonly sums: Sums;
  readonly value: number;
  readonly bounds: ValueBounds;
  /** The slot of its histogram. */
  slot: number;
  best: SplitCandidate | undefined;
  /** The node it hangs from and the side, to be redirected when it is split. */
  readonly parent: { readonly node: number; readonly side: "left" | "right" } | undefined;
}

/** What one unit of the quantised derivatives stands for. */
interface Units {
  readonly gradientUnit: number;
  readonly hessianUnit: number;
}

/** Steps over fewer rows are not worth waking another thread. */
const ROWS_WORTH_SHARING = 6000;
/** Nor are searches through fewer bins. */
const BINS_WORTH_SHARING = 1500;

/**
 * Grows one tree leaf by leaf, always splitting the leaf whose split gains most (leaf-wise growth, as in LightGBM), on
 * the rows in places [0, drawn) of the index, which it reorders.
 */
export function growTree(
  plan: TrainingPlan,
  crew: Crew,
  tree: { readonly drawn: number } & Units,
): GrownTree {
  const { spec, layout, features } = plan;
  const { buffer } = plan.memory;
  const leaves: OpenLeaf[] = [];
  const nodes: GrownNode[] = [];
  const active = new Uint8Array(buffer, layout.active, features.length);
  const activeBins = features.reduce((sum, { valueBins }, i) => sum + (active[i] === 1 ? valueBins : 0), 0);
  const searchParts = activeBins >= BINS_WORTH_SHARING ? crew.threads : 1;
  const partsFor = (rows: number) => (rows >= ROWS_WORTH_SHARING ? crew.threads : 1);

  const canSplit = (leaf: OpenLeaf) =>
    leaf.sums.rows >= 2 * spec.minRowsPerLeaf &&
    leaf.sums.hessian >= 2 * spec.minHessianPerLeaf &&
    (spec.maxDepth < 0 || leaf.depth < spec.maxDepth);

  function build(leaf: OpenLeaf): number {
    const parts = partsFor(leaf.end - leaf.begin);
    crew.run({ kind: "histogram", parts, begin: leaf.begin, end: leaf.end, slot: leaf.slot });
    return parts;
  }

  function search(own: OpenLeaf, built: number, sibling?: OpenLeaf): void {
    // What is built in parts is put together by the threads that search.
    crew.run({
      kind: "search",
      parts: searchParts,
      built,
      gradientUnit: tree.gradientUnit,
      hessianUnit: tree.hessianUnit,
      slot: own.slot,
      sums: canSplit(own) ? own.sums : undefined,
      bounds: own.bounds,
      siblingSlot: sibling?.slot ?? -1,
      siblingBounds: sibling?.bounds ?? UNBOUNDED,
      siblingSums: sibling !== undefined && canSplit(sibling) ? sibling.sums : undefined,
    });
    own.best = canSplit(own) ? bestOf(plan, searchParts, 0) : undefined;
    if (sibling !== undefined) sibling.best = canSplit(sibling) ? bestOf(plan, searchParts, 1) : undefined;
  }

  function partition(leaf: OpenLeaf, split: SplitCandidate, node: number): number {
    writeTable(plan, split, node);
    const { begin, end } = leaf;
    const parts = partsFor(end - begin);
    const results = crew.run({ kind: "partition", parts, begin, end, feature: split.feature, node });
    const counts = [...results.subarray(0, parts)];
    if (parts > 1) crew.run({ kind: "gather", parts, begin, end, counts });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  function split(number: number, leaf: OpenLeaf, best: SplitCandidate): void {
    const node = nodes.length;
    const middle = leaf.begin + partition(leaf, best, node);
    const right = {
      gradient: leaf.sums.gradient - best.left.gradient,
      hessian: leaf.sums.hessian - best.left.hessian,
      rows: leaf.sums.rows - best.left.rows,
    };
    if (leaf.parent !== undefined) nodes[leaf.parent.node]![leaf.parent.side] = node;
    nodes.push({ split: best, left: ~number, right: ~leaves.length });
    const penalty = { l1: spec.l1, l2: best.l2 };
    const values = {
      left: boundedLeafValue(best.left, penalty, leaf.bounds),
      right: boundedLeafValue(right, penalty, leaf.bounds),
    };
    const bounds = boundsBelow(leaf.bounds, plan.monotone?.[best.feature] ?? 0, values);
    const child = (side: "left" | "right", sums: Sums): OpenLeaf => ({
      begin: side === "left" ? leaf.begin : middle,
      end: side === "left" ? middle : leaf.end,
      depth: leaf.depth + 1,
      sums,
      value: values[side],
      bounds: bounds[side],
      slot: leaf.slot,
      best: undefined,
      parent: { node, side },
    });
    const children = [child("left", best.left), child("right", right)] as const;
    const [smaller, larger] =
      middle - leaf.begin <= leaf.end - middle ? children : [children[1], children[0]];
    // The larger child takes over its parent's histogram, less that of the smaller one.
    smaller.slot = leaves.length;
    leaves[number] = children[0];
    leaves.push(children[1]);
    if (leaves.length < spec.leaves && children.some(canSplit)) search(smaller, build(smaller), larger);
  }

  const root: OpenLeaf = {
    begin: 0,
    end: tree.drawn,
    depth: 0,
    sums: { gradient: 0, hessian: 0, rows: 0 },
    value: 0,
    bounds: UNBOUNDED,
    slot: 0,
    best: undefined,
    parent: undefined,
  };
  leaves.push(root);
  const built = build(root);
  Object.assign(root.sums, totalOf(plan, built, tree));
  search(root, built);
  while (leaves.length < spec.leaves) {
    const number = bestLeaf(leaves);
    const leaf = leaves[number]!;
    if (leaf.best === undefined) break;
    split(number, leaf, leaf.best);
  }
  return { nodes, leaves };
}

/** The first leaf among those whose split gains most. */
function bestLeaf(leaves: readonly OpenLeaf[]): number {
  let best = 0;
  for (let i = 1; i < leaves.length; i++)
    if ((leaves[i]!.best?.gain ?? 0) > (leaves[best]!.best?.gain ?? 0)) best = i;
  return best;
}

/** The best of what the searching threads found; among equals that of the first feature. */
function bestOf(plan: TrainingPlan, parts: number, child: 0 | 1): SplitCandidate | undefined {
  let best: SplitCandidate | undefined;
  for (let part = 0; part < parts; part++) {
    const at = plan.layout.splits + (2 * part + child) * SPLIT_DOUBLES * 8;
    const found = readCandidate(new Float64Array(plan.memory.buffer, at, SPLIT_DOUBLES));
    if (found.feature < 0) continue;
    const better =
      best === undefined ||
      found.gain > best.gain ||
      (found.gain === best.gain && found.feature < best.feature);
    if (better) best = found;
  }
  return best;
}

/** Below a split on a constrained feature, neither side may cross the middle between the two values (LightGBM's "basic"). */
function boundsBelow(
  own: ValueBounds,
  direction: number,
  { left, right }: { readonly left: number; readonly right: number },
): { readonly left: ValueBounds; readonly right: ValueBounds } {
  if (direction === 0) return { left: own, right: own };
  const middle = (left + right) / 2;
  const lower = { least: own.least, most: Math.min(own.most, middle) };
  const upper = { least: Math.max(own.least, middle), most: own.most };
  return direction > 0 ? { left: lower, right: upper } : { left: upper, right: lower };
}

const TWO_32 = 4_294_967_296;

/** The sums over all rows of a histogram that `built` threads left behind: those of any drawn feature's bins. */
function totalOf(plan: TrainingPlan, built: number, { gradientUnit, hessianUnit }: Units): Sums {
  const { layout } = plan;
  const { buffer } = plan.memory;
  const active = new Uint8Array(buffer, layout.active, plan.features.length);
  const feature = active.indexOf(1);
  const bins = binCount(plan.features[feature]!);
  // The count begins in the upper word: see `quantisationFor`.
  const countUnit = powerOfTwo(plan.countShift - 32);
  let [gradient, hessian, rows] = [0, 0, 0];
  for (let part = 0; part < built; part++) {
    const slot = built === 1 ? 0 : layout.leaves + part;
    const at = layout.histograms + slot * layout.histogramBytes + layout.firstBins[feature]! * BIN_BYTES;
    const words = new Uint32Array(buffer, at, 4 * bins);
    for (let word = 0; word < words.length; word += 4) {
      const upper = words[word + 3]!;
      const count = Math.floor(upper / countUnit);
      gradient += (words[word + 1]! | 0) * TWO_32 + words[word]!;
      hessian += (upper - count * countUnit) * TWO_32 + words[word + 2]!;
      rows += count;
    }
  }
  return { gradient: gradient * gradientUnit, hessian: hessian * hessianUnit, rows };
}

/** Says for every bin of the split's feature whether it goes left (4) or right (0). */
function writeTable(plan: TrainingPlan, split: SplitCandidate, node: number): void {
  const table = new Uint8Array(plan.memory.buffer, plan.layout.tables + 256 * node, 256);
  const feature = plan.features[split.feature]!;
  table.fill(split.missingLeft ? 4 : 0, feature.valueBins);
  if (feature.kind === "numeric") {
    table.fill(4, 0, split.lastLeftBin + 1);
    table.fill(0, split.lastLeftBin + 1, feature.valueBins);
  } else {
    for (let bin = 0; bin < feature.valueBins; bin++) table[bin] = isLeft(feature, split, bin) ? 4 : 0;
  }
}

/** Whether a bin of values goes left. */
export function isLeft(feature: FeatureBins, split: SplitCandidate, bin: number): boolean {
  switch (feature.kind) {
    case "numeric":
      return bin <= split.lastLeftBin;
    case "categorical":
      return hasBin(split.leftBins, bin);
    default:
      return assertNever(feature.kind);
  }
}
