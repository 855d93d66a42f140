import type { EnsembleTask, Link } from "../../ensemble/ensemble.ts";
import { badFile, unsupported } from "../origin-model.ts";

export interface Objective {
  readonly task: EnsembleTask;
  readonly link: Link;
}

const IDENTITY: Objective = { task: "regression", link: { kind: "identity" } };
const EXPONENTIAL: Objective = { task: "regression", link: { kind: "exponential" } };

const PLAIN: Readonly<Record<string, Objective>> = {
  regression: IDENTITY,
  regression_l2: IDENTITY,
  regression_l1: IDENTITY,
  huber: IDENTITY,
  fair: IDENTITY,
  quantile: IDENTITY,
  mape: IDENTITY,
  lambdarank: IDENTITY,
  rank_xendcg: IDENTITY,
  custom: IDENTITY,
  poisson: EXPONENTIAL,
  gamma: EXPONENTIAL,
  tweedie: EXPONENTIAL,
  cross_entropy: { task: "binary", link: { kind: "logistic", slope: 1 } },
  xentropy: { task: "binary", link: { kind: "logistic", slope: 1 } },
  cross_entropy_lambda: { task: "regression", link: { kind: "logOnePlusExp" } },
  xentlambda: { task: "regression", link: { kind: "logOnePlusExp" } },
};

/**
 * What the sums of a model mean, from its `objective` line: a name and parameters such as `binary sigmoid:1`. Without
 * one the model was trained with an objective of the caller's own, and its sums are its outputs.
 *
 * @throws INFERENCE_UNSUPPORTED_MODEL, INFERENCE_BAD_MODEL_FILE
 */
export function objectiveOf(line: string, sums: number): Objective {
  const [name = "custom", ...parameters] = line.trim() === "" ? [] : line.trim().split(/\s+/);
  const several = name === "multiclass" || name === "softmax" || name === "multiclassova" || name === "ova";
  if (several !== sums > 1) {
    if (sums > 1) throw unsupported("lightgbm", `objective "${name}" with ${sums} trees per iteration`);
    throw badFile("lightgbm", `its objective is "${name}" and it has one tree per iteration`);
  }
  switch (name) {
    case "multiclass":
    case "softmax":
      return { task: "multiclass", link: { kind: "softmax" } };
    case "multiclassova":
    case "ova":
      return { task: "multiclass", link: { kind: "logistic", slope: slopeOf(parameters) } };
    case "binary":
      return { task: "binary", link: { kind: "logistic", slope: slopeOf(parameters) } };
    default:
      if (!Object.hasOwn(PLAIN, name)) throw unsupported("lightgbm", `objective "${name.slice(0, 80)}"`);
      return parameters.includes("sqrt")
        ? { task: "regression", link: { kind: "signedSquare" } }
        : PLAIN[name]!;
  }
}

function slopeOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith("sigmoid:"))?.slice("sigmoid:".length);
  const slope = text === undefined ? 1 : Number(text);
  if (slope > 0 && slope < Number.POSITIVE_INFINITY) return slope;
  throw badFile("lightgbm", `the sigmoid of its objective is "${text?.slice(0, 40)}"`);
}
