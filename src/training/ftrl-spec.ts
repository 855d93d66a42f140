import {
  ANY,
  badOption,
  COUNT,
  checkOptionNames,
  describeRange,
  isInRange,
  type OptionRange,
} from "./option-range.ts";

/**
 * FTRL-Proximal: a linear model learned row by row, for wide and sparse data. McMahan et al., "Ad Click Prediction: a View
 * from the Trenches" (KDD 2013), algorithm 1; logistic loss for yes/no questions, squared loss for numbers.
 */
export interface FtrlSpec {
  readonly kind: "ftrl";
  /** α: how fast weights move, above 0. A weight's own rate falls with the gradients it has seen: α ÷ (β + √Σg²). */
  readonly alpha: number;
  /** β: holds back the first steps of a weight, ≥ 0. */
  readonly beta: number;
  /** λ₁, for each pass: weights whose evidence is weaker than this are exactly 0, ≥ 0. */
  readonly l1: number;
  /** λ₂, for each pass: pulls weights towards 0, ≥ 0. */
  readonly l2: number;
  /** Passes over the training rows, ≥ 1. */
  readonly epochs: number;
  /** Whether every pass sees the rows in a new order drawn by the seed; otherwise in that of the snapshot. */
  readonly shuffle: boolean;
  /** Stop when the validation metric has not improved for this many passes, and keep the weights of the best one. */
  readonly earlyStoppingEpochs?: number;
}

export type FtrlOptions = Partial<Omit<FtrlSpec, "kind">>;

type NumericOption = Exclude<keyof FtrlSpec, "kind" | "shuffle">;

const RANGES: Readonly<Record<NumericOption, OptionRange>> = {
  alpha: { least: 0, most: 1000, exclusive: true },
  beta: { least: 0, most: ANY },
  l1: { least: 0, most: ANY },
  l2: { least: 0, most: ANY },
  epochs: { least: 1, most: 10_000, integer: true },
  earlyStoppingEpochs: { least: 1, most: COUNT, integer: true },
};

const DEFAULTS: FtrlSpec = {
  kind: "ftrl",
  alpha: 0.2,
  beta: 1,
  l1: 1,
  l2: 1,
  epochs: 5,
  shuffle: true,
};

/**
 * A linear trainer for wide and sparse data: hashed categories and crosses of them.
 *
 *     features: (c) => ({ route: c.origin.cross(c.destination).hashed(1_048_576), miles: c.distance.log1p() }),
 *     trainer: ftrl({ alpha: 0.2, l1: 1, l2: 1, epochs: 5 }),
 *
 * @throws TRAINING_BAD_OPTION
 */
export function ftrl(options: FtrlOptions = {}): FtrlSpec {
  checkOptionNames("ftrl", options, [...Object.keys(RANGES), "shuffle"]);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return checkFtrl({ ...DEFAULTS, ...given });
}

/** @throws TRAINING_BAD_OPTION */
export function checkFtrl(spec: FtrlSpec): FtrlSpec {
  for (const name of Object.keys(RANGES) as NumericOption[]) {
    const value = spec[name];
    if (value === undefined && name === "earlyStoppingEpochs") continue;
    if (!isInRange(value, RANGES[name]))
      throw badOption("ftrl", { name, value }, describeRange(RANGES[name]));
  }
  if (typeof spec.shuffle !== "boolean")
    throw badOption("ftrl", { name: "shuffle", value: spec.shuffle }, "true or false");
  return spec;
}
