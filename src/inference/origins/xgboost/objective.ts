import { log } from "../../../kernel/index.ts";
import type { EnsembleTask, Link } from "../../ensemble/ensemble.ts";
import { type OriginFormat, unsupported } from "../origin-model.ts";

export interface Objective {
  readonly task: EnsembleTask;
  readonly link: Link;
  /** The sum that an output of `base` comes from. */
  readonly marginOf: (base: number) => number;
}

const { fround } = Math;
const same = (base: number): number => base;
const logit = (base: number): number => fround(-fround(log(fround(fround(1 / base) - 1))));
const logarithm = (base: number): number => fround(log(base));
const LOGISTIC: Link = { kind: "logistic", slope: 1 };

const IDENTITY: Objective = { task: "regression", link: { kind: "identity" }, marginOf: same };
const EXPONENTIAL: Objective = { task: "regression", link: { kind: "exponential" }, marginOf: logarithm };
const SOFTMAX: Objective = { task: "multiclass", link: { kind: "softmax" }, marginOf: same };

/** `multi:softmax` answers the most probable class; here it answers the probabilities that it takes that from. */
const OBJECTIVES: Readonly<Record<string, Objective>> = {
  "binary:logistic": { task: "binary", link: LOGISTIC, marginOf: logit },
  "binary:logitraw": IDENTITY,
  "binary:hinge": { task: "binary", link: { kind: "step" }, marginOf: same },
  "reg:logistic": { task: "regression", link: LOGISTIC, marginOf: logit },
  "multi:softprob": SOFTMAX,
  "multi:softmax": SOFTMAX,
  "reg:squarederror": IDENTITY,
  "reg:linear": IDENTITY,
  "reg:squaredlogerror": IDENTITY,
  "reg:pseudohubererror": IDENTITY,
  "reg:absoluteerror": IDENTITY,
  "reg:quantileerror": IDENTITY,
  "rank:pairwise": IDENTITY,
  "rank:ndcg": IDENTITY,
  "rank:map": IDENTITY,
  "count:poisson": EXPONENTIAL,
  "reg:gamma": EXPONENTIAL,
  "reg:tweedie": EXPONENTIAL,
  "survival:cox": EXPONENTIAL,
  "survival:aft": EXPONENTIAL,
};

/** @throws INFERENCE_UNSUPPORTED_MODEL */
export function objectiveOf(name: string, format: OriginFormat): Objective {
  if (Object.hasOwn(OBJECTIVES, name)) return OBJECTIVES[name]!;
  throw unsupported(format, `objective "${name.slice(0, 80)}"`);
}
