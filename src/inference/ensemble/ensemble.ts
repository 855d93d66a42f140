import type { FeatureColumn } from "../../kernel/index.ts";
import { problemOf } from "../forest.ts";

/** What the outputs of a row are: one probability, one value for each target, or a probability for each class. */
export type EnsembleTask = "binary" | "regression" | "multiclass";

/** The largest x that still counts as zero where zero is missing: LightGBM's kZeroThreshold, 1e-35 as a float32. */
export const ZERO_UP_TO = 1.0000000180025095e-35;

/** How a node divides its rows. */
export const splitKinds = {
  /** Left when `x <= threshold`; NaN is missing. */
  atMost: 0,
  /** The same, but zero is missing too, as LightGBM's `zero_as_missing` has it. */
  atMostZeroMissing: 1,
  /** Left when the whole part of x is a set bit. */
  category: 2,
  /** Left when x is one of the node's values. */
  member: 3,
} as const;

/** How the sums of a row become its outputs. All but softmax are applied to each sum alone. */
export type Link =
  | { readonly kind: "identity" | "exponential" | "softmax" | "signedSquare" | "logOnePlusExp" | "step" }
  /** 1 / (1 + e^(−slope·x)) */
  | { readonly kind: "logistic"; readonly slope: number };

/**
 * An ensemble of decision trees as other programs write them: several sums, the origin's treatment of missing values,
 * its precision and its order of additions.
 *
 * The trees are laid out as in `Forest`: a tree owns the nodes `[treeNodes[t], treeNodes[t + 1])` and the leaves
 * `[treeLeaves[t], treeLeaves[t + 1])`; children are numbered within their tree, `c ≥ 0` is node c, `c < 0` is leaf
 * `~c`, and a child node has a higher number than its parent. A leaf adds `entryValue[e]` to the sum `entrySum[e]` for
 * each e in `[leafEntries[l], leafEntries[l + 1])`.
 */
export interface Ensemble {
  readonly task: EnsembleTask;
  readonly features: readonly FeatureColumn[];
  /** float32: every addition and the link round to float32, and categories are looked up after rounding x to it. */
  readonly arithmetic: "float64" | "float32";
  /** Per sum: what it starts from, or what is added at its end. There are as many outputs as sums. */
  readonly base: Float64Array;
  readonly baseIs: "first" | "last";
  readonly aggregate: "sum" | "minimum" | "maximum";
  /** What the aggregate is divided by before a last base is added; 1 for none. */
  readonly divisor: number;
  readonly link: Link;

  readonly treeNodes: Int32Array;
  readonly treeLeaves: Int32Array;
  /** Per node, one of `splitKinds`. */
  readonly nodeKind: Uint8Array;
  readonly nodeFeature: Int32Array;
  /** Per node: 1 when missing values go left. */
  readonly nodeMissingLeft: Uint8Array;
  /** 0 in nodes without threshold. */
  readonly nodeThreshold: Float64Array;
  readonly nodeLeft: Int32Array;
  readonly nodeRight: Int32Array;
  /** Length: nodes + 1. The bits of a category node are `categoryWords[nodeCategories[n] … nodeCategories[n + 1])`. */
  readonly nodeCategories: Int32Array;
  readonly categoryWords: Uint32Array;
  /** Length: nodes + 1. The values of a member node are `memberValues[nodeMembers[n] … nodeMembers[n + 1])`. */
  readonly nodeMembers: Int32Array;
  readonly memberValues: Float64Array;
  /** Length: leaves + 1. */
  readonly leafEntries: Int32Array;
  readonly entrySum: Int32Array;
  readonly entryValue: Float64Array;
  /** Per leaf: number or weight of training rows that reached it, 0 where the origin does not say. */
  readonly leafCover: Float64Array;
}

/** Most sums an ensemble may have: beyond it a file is not believed. */
export const MOST_SUMS = 10_000;

/** The first rule that `ensemble` breaks, or undefined when it is sound: engines rely on nothing else. */
export function problemOfEnsemble(ensemble: Ensemble): string | undefined {
  return (
    problemOfOutputs(ensemble) ??
    problemOfShape(ensemble) ??
    problemOfOffsets("category offsets", ensemble.nodeCategories, ensemble.categoryWords.length) ??
    problemOfOffsets("member offsets", ensemble.nodeMembers, ensemble.memberValues.length) ??
    problemOfOffsets("entry offsets", ensemble.leafEntries, ensemble.entryValue.length) ??
    problemOfNodes(ensemble) ??
    problemOfEntries(ensemble)
  );
}

function problemOfOutputs({ task, base, link, divisor }: Ensemble): string | undefined {
  if (base.length === 0 || base.length > MOST_SUMS) return `it has ${base.length} sums`;
  if (task === "binary" && base.length !== 1) return `it has ${base.length} sums for two classes`;
  if (task === "multiclass" && base.length < 2) return "it has one sum for several classes";
  if (!base.every(Number.isFinite)) return "a base is not finite";
  if (!(divisor > 0 && divisor < Number.POSITIVE_INFINITY)) return `its divisor is ${divisor}`;
  if (link.kind === "logistic" && !(link.slope > 0 && link.slope < Number.POSITIVE_INFINITY))
    return `the slope of its link is ${link.slope}`;
  return undefined;
}

/** Features, node arrays and tree structure follow the same rules as in a forest. */
function problemOfShape(ensemble: Ensemble): string | undefined {
  const nodes = ensemble.nodeFeature.length;
  if (ensemble.nodeKind.length !== nodes || ensemble.nodeMembers.length !== nodes + 1)
    return "its node arrays differ in length";
  if (ensemble.nodeCategories.length !== nodes + 1) return "its category offsets have the wrong length";
  if (ensemble.leafEntries.length !== ensemble.leafCover.length + 1)
    return "its leaf arrays differ in length";
  if (ensemble.entrySum.length !== ensemble.entryValue.length) return "its entry arrays differ in length";
  return problemOf({
    ...ensemble,
    task: "regression",
    base: 0,
    nodeCategories: new Int32Array(nodes + 1),
    categoryWords: new Uint32Array(0),
    leafValue: new Float64Array(ensemble.leafCover.length),
  });
}

function problemOfOffsets(what: string, offsets: Int32Array, end: number): string | undefined {
  if (offsets[0] !== 0 || offsets.at(-1) !== end) return `its ${what} do not run from 0 to ${end}`;
  for (let i = 1; i < offsets.length; i++) if (offsets[i]! < offsets[i - 1]!) return `its ${what} go back`;
  return undefined;
}

function problemOfNodes(ensemble: Ensemble): string | undefined {
  const { nodeKind, nodeCategories, nodeMembers, memberValues } = ensemble;
  for (let node = 0; node < nodeKind.length; node++) {
    const kind = nodeKind[node]!;
    if (kind > splitKinds.member) return `node ${node} is of the unknown kind ${kind}`;
    if (kind !== splitKinds.category && nodeCategories[node] !== nodeCategories[node + 1])
      return `node ${node} has categories`;
    if (kind !== splitKinds.member && nodeMembers[node] !== nodeMembers[node + 1])
      return `node ${node} has values`;
  }
  if (memberValues.some(Number.isNaN)) return "a node asks for NaN among its values";
  return undefined;
}

function problemOfEntries({ entrySum, entryValue, base }: Ensemble): string | undefined {
  for (let entry = 0; entry < entrySum.length; entry++) {
    if (!(entrySum[entry]! >= 0 && entrySum[entry]! < base.length))
      return `a leaf adds to sum ${entrySum[entry]} of ${base.length}`;
    if (!Number.isFinite(entryValue[entry]!)) return `a leaf has the value ${entryValue[entry]}`;
  }
  return undefined;
}
