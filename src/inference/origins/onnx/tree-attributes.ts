import type { OriginNode, OriginSplit } from "../../ensemble/ensemble-builder.ts";
import { atMostInFloat32, belowInFloat32, doubleBelow } from "../float32-threshold.ts";
import { badFile } from "../origin-model.ts";

/** How a branch compares x with its value; NaN is neither less, equal nor greater. */
export type BranchMode =
  | "BRANCH_LEQ"
  | "BRANCH_LT"
  | "BRANCH_GTE"
  | "BRANCH_GT"
  | "BRANCH_EQ"
  | "BRANCH_NEQ"
  | "BRANCH_MEMBER";

/** In the order of their numbers in operator set 5. */
export const branchModes: readonly BranchMode[] = [
  "BRANCH_LEQ",
  "BRANCH_LT",
  "BRANCH_GTE",
  "BRANCH_GT",
  "BRANCH_EQ",
  "BRANCH_NEQ",
  "BRANCH_MEMBER",
];

export interface Branch {
  readonly mode: BranchMode;
  readonly feature: number;
  readonly value: number;
  /** Of a BRANCH_MEMBER. */
  readonly members: readonly number[];
  readonly missingIsTrue: boolean;
  readonly whenTrue: number;
  readonly whenFalse: number;
}

/** The split that sends the same rows the same ways, comparing float32 (`single`) or doubles. */
export function splitOf(branch: Branch, single: boolean): OriginSplit {
  const { mode, feature, value, missingIsTrue, whenTrue, whenFalse } = branch;
  const same = { feature, left: whenTrue, right: whenFalse, missingLeft: missingIsTrue };
  const swapped = { feature, left: whenFalse, right: whenTrue, missingLeft: !missingIsTrue };
  const round = (given: number): number => (single ? Math.fround(given) : given);
  const atMost = Number.isNaN(value) ? undefined : single ? atMostInFloat32(round(value)) : value;
  const below = Number.isNaN(value) ? undefined : single ? belowInFloat32(round(value)) : justBelow(value);
  const comparison = (threshold: number | undefined): Pick<OriginSplit, "split" | "threshold" | "values"> =>
    threshold === undefined ? { split: "member", values: [] } : { split: "atMost", threshold };
  const equal = { split: "member", values: Number.isNaN(value) ? [] : [round(value)] } as const;
  switch (mode) {
    case "BRANCH_LEQ":
      return { ...same, ...comparison(atMost) };
    case "BRANCH_LT":
      return { ...same, ...comparison(below) };
    case "BRANCH_GTE":
      return Number.isNaN(value)
        ? { ...same, ...comparison(undefined) }
        : { ...swapped, ...comparison(below) };
    case "BRANCH_GT":
      return Number.isNaN(value)
        ? { ...same, ...comparison(undefined) }
        : { ...swapped, ...comparison(atMost) };
    case "BRANCH_EQ":
      return { ...same, ...equal };
    case "BRANCH_NEQ":
      // NaN is not equal to anything, whatever is said of missing values.
      return { ...swapped, ...equal, missingLeft: false };
    case "BRANCH_MEMBER":
      return { ...same, split: "member", values: branch.members.map(round) };
  }
}

function justBelow(value: number): number | undefined {
  return value === Number.NEGATIVE_INFINITY ? undefined : doubleBelow(value);
}

/** The trees of a node, whichever of the two layouts it has. */
export interface TreeTable {
  /** Number of the root of each tree, in the order in which they are added up. */
  readonly roots: readonly number[];
  readonly nodeOf: (id: number) => OriginNode;
  /** One more than the highest feature that is asked for. */
  readonly featureCount: number;
  readonly targets: number;
  /** Every sum that a leaf adds to, and whether all it adds is at least 0. */
  readonly added: ReadonlySet<number>;
  readonly isPositive: boolean;
  /** Whether every leaf adds to every sum. */
  readonly isFull: boolean;
}

/** A list with one value for each of `length` things, or the fallback for all where it is not given. */
export function listOf(
  values: readonly number[],
  what: string,
  rule: { length: number; fallback?: number },
): readonly number[] {
  if (values.length === rule.length) return values;
  if (values.length === 0 && rule.fallback !== undefined)
    return new Array<number>(rule.length).fill(rule.fallback);
  throw badFile("onnx", `${what} has ${values.length} values, ${rule.length} are expected`);
}

/** @throws INFERENCE_BAD_MODEL_FILE for values that are no numbers of things */
export function requireIndexes(values: readonly number[], what: string, count = 0x7fffffff): void {
  const wrong = values.find((value) => !(Number.isInteger(value) && value >= 0 && value < count));
  if (wrong !== undefined) throw badFile("onnx", `${what} holds ${wrong}`);
}
