import { assertNever, log, logit } from "../kernel/index.ts";
import { quantileOf, weightedQuantileOf } from "./row-quantile.ts";
import type { GbdtSpec } from "./spec.ts";
import type { TrainingData } from "./trainer.ts";

/** What a boosting training minimises, as plain data; names and formulas are those of LightGBM's objectives. */
export type Objective =
  /** ½ (y − s)². */
  | { readonly kind: "squared" }
  /** The log-loss of 1 / (1 + e^−s). */
  | { readonly kind: "logistic" }
  /** The log-loss of e^sₖ / Σ e^sⱼ, with a score and a tree for each class. */
  | { readonly kind: "softmax"; readonly classes: number }
  /** e^s − y·s: the mean is e^s. */
  | { readonly kind: "poisson" }
  /** |y − s|. */
  | { readonly kind: "absolute" }
  /** alpha · (y − s) where s is too low, (1 − alpha) · (s − y) where it is too high. */
  | { readonly kind: "quantile"; readonly alpha: number }
  /** ½ (y − s)² up to an error of alpha, alpha · (|y − s| − alpha / 2) beyond. */
  | { readonly kind: "huber"; readonly alpha: number };

/** What progress and early stopping go by: the mean over rows, less is better. */
export type LossName = "logLoss" | "rmse" | "mae" | "pinball" | "huber" | "poissonDeviance";

export function objectiveOf(
  spec: Pick<GbdtSpec, "objective" | "alpha">,
  { task, classes }: Pick<TrainingData, "task" | "classes">,
): Objective {
  switch (task) {
    case "binary":
      return { kind: "logistic" };
    case "multiclass":
      return { kind: "softmax", classes: classes?.length ?? 0 };
    case "regression":
      break;
    default:
      return assertNever(task);
  }
  const { objective = "squared", alpha = Number.NaN } = spec;
  return objective === "quantile" || objective === "huber" ? { kind: objective, alpha } : { kind: objective };
}

/** Scores of a row, and trees of an iteration. */
export function outputsOf(objective: Objective): number {
  return objective.kind === "softmax" ? objective.classes : 1;
}

const LOSS_NAMES = {
  squared: "rmse",
  logistic: "logLoss",
  softmax: "logLoss",
  poisson: "poissonDeviance",
  absolute: "mae",
  quantile: "pinball",
  huber: "huber",
} as const satisfies Record<Objective["kind"], LossName>;

export function lossName({ kind }: Objective): LossName {
  return LOSS_NAMES[kind];
}

/** Which quantile of the residuals of its rows a grown leaf is given as its value; undefined where Newton's step stays. */
export function renewalShare(objective: Objective): number | undefined {
  switch (objective.kind) {
    case "absolute":
      return 0.5;
    case "quantile":
      return objective.alpha;
    default:
      return undefined;
  }
}

/** The largest first derivative of a row of weight 1; undefined when it depends on the scores. */
export function gradientBound(objective: Objective): number | undefined {
  switch (objective.kind) {
    case "logistic":
    case "softmax":
    case "absolute":
      return 1;
    case "quantile":
      return Math.max(objective.alpha, 1 - objective.alpha);
    case "huber":
      return objective.alpha;
    case "squared":
    case "poisson":
      return undefined;
    default:
      return assertNever(objective);
  }
}

/** A power of two that no second derivative of a row of weight 1 exceeds; undefined when it depends on the scores. */
export function hessianBound({ kind }: Objective): number | undefined {
  switch (kind) {
    case "logistic":
      // p(1 − p)
      return 0.25;
    case "softmax":
      // K / (K − 1) · p(1 − p)
      return 0.5;
    case "poisson":
      return undefined;
    default:
      return 1;
  }
}

/** Shares below it are taken for it: the logarithm of a class without weight is finite (LightGBM's kEpsilon). */
const LEAST_SHARE = 1e-15;

/** The constant scores that fit the training rows best, one for each output: LightGBM's boost_from_average. */
export function baseScores(objective: Objective, { train }: Pick<TrainingData, "train">): Float64Array {
  const { target, weights } = train;
  switch (objective.kind) {
    case "squared":
    case "huber":
      return Float64Array.of(weightedMean(target, weights));
    case "logistic":
      return Float64Array.of(logit(weightedMean(target, weights)));
    case "poisson":
      return Float64Array.of(log(weightedMean(target, weights)));
    case "absolute":
    case "quantile": {
      const share = renewalShare(objective) ?? 0.5;
      const base =
        weights === undefined
          ? quantileOf(target.slice(), share)
          : weightedQuantileOf(target.slice(), weights.slice(), share);
      return Float64Array.of(base);
    }
    case "softmax":
      return classShares(train, objective.classes).map((share) => log(Math.max(share, LEAST_SHARE)));
    default:
      return assertNever(objective);
  }
}

function weightedMean(target: Float64Array, weights: Float64Array | undefined): number {
  let sum = 0;
  let total = 0;
  for (let row = 0; row < target.length; row++) {
    const weight = weights?.[row] ?? 1;
    sum += weight * target[row]!;
    total += weight;
  }
  return sum / total;
}

/** The share of each class in the total weight. */
function classShares({ target, weights }: TrainingData["train"], classes: number): Float64Array {
  const sums = new Float64Array(classes);
  let total = 0;
  for (let row = 0; row < target.length; row++) {
    const weight = weights?.[row] ?? 1;
    sums[target[row]!] = sums[target[row]!]! + weight;
    total += weight;
  }
  return sums.map((sum) => sum / total);
}

/** A mean loss from the weighted sum of losses that the threads added up. */
export function finishLoss(
  objective: Objective,
  parts: { sum: number; offset: number; total: number },
): number {
  const mean = (parts.sum + parts.offset) / parts.total;
  return objective.kind === "squared" ? Math.sqrt(mean) : mean;
}

/** What the losses of rows have in common whatever is predicted, and is left out when they are added up. */
export function lossOffset(objective: Objective, target: Float64Array, weights?: Float64Array): number {
  if (objective.kind !== "poisson") return 0;
  let sum = 0;
  for (let row = 0; row < target.length; row++) {
    const y = target[row]!;
    if (y > 0) sum += 2 * (weights?.[row] ?? 1) * (y * log(y) - y);
  }
  return sum;
}
