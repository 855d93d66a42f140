import { badOption } from "./option-range.ts";

/**
 * What a regression by `gbdt` may minimise instead of squared errors: "poisson" the deviance of counts, whose mean is
 * e^score; "quantile" the pinball loss, which makes the model predict the quantile `alpha`; "absolute" the error itself,
 * which makes it predict the median; "huber" squared errors up to `alpha` and absolute ones beyond.
 */
export type GbdtObjective = "poisson" | "quantile" | "absolute" | "huber";

export type MonotoneDirection = "increasing" | "decreasing";

/**
 * Factors to the weights of rows by the class of their target: "balanced" gives every class the same total weight, an
 * object names factors by class, "false" and "true" for yes/no targets, 1 where a class is not named. Probabilities are
 * then those of a population so weighted: metrics and gates, which count every row once, will see them as miscalibrated.
 */
export type ClassWeights = "balanced" | Readonly<Record<string, number>>;

const OBJECTIVES = ["poisson", "quantile", "absolute", "huber"] as const satisfies readonly GbdtObjective[];

export const objectiveOptions = ["objective", "alpha", "monotone", "classWeights"] as const;

type Given = { readonly [Name in (typeof objectiveOptions)[number]]?: unknown };

/** @throws TRAINING_BAD_OPTION */
export function checkObjectiveOptions({ objective, alpha, monotone, classWeights }: Given): void {
  const bad = (name: string, value: unknown, wanted: string): Error =>
    badOption("gbdt", { name, value }, wanted);
  if (objective !== undefined && !OBJECTIVES.some((known) => known === objective))
    throw bad("objective", objective, `left out, or one of ${OBJECTIVES.join(", ")}`);
  if (objective === "quantile" && !(isPositive(alpha) && alpha < 1))
    throw bad(
      "alpha",
      alpha,
      'the quantile that objective "quantile" is to predict, between 0 and 1, such as 0.9',
    );
  if (objective === "huber" && !isPositive(alpha))
    throw bad(
      "alpha",
      alpha,
      'the error from which objective "huber" counts absolutely, in units of the target, above 0',
    );
  if (objective !== "quantile" && objective !== "huber" && alpha !== undefined)
    throw bad("alpha", alpha, 'left out: it belongs to objective "quantile" or "huber"');
  checkMonotone(monotone);
  if (monotone !== undefined && (objective === "quantile" || objective === "absolute"))
    throw bad(
      "monotone",
      monotone,
      `left out: leaves of objective "${objective}" get their values afterwards`,
    );
  checkClassWeights(classWeights);
}

function checkMonotone(monotone: unknown): void {
  if (monotone === undefined) return;
  const sound =
    isRecord(monotone) &&
    Object.keys(monotone).length > 0 &&
    Object.values(monotone).every((direction) => direction === "increasing" || direction === "decreasing");
  if (sound) return;
  const wanted = '"increasing" or "decreasing" by feature, such as { income: "increasing" }';
  throw badOption("gbdt", { name: "monotone", value: monotone }, wanted);
}

function checkClassWeights(weights: unknown): void {
  if (weights === undefined || weights === "balanced") return;
  const values = isRecord(weights) ? Object.values(weights) : [];
  if (values.length > 0 && values.every((value) => isPositive(value) || value === 0)) return;
  const wanted = '"balanced", or numbers of at least 0 by class, such as { true: 5 }';
  throw badOption("gbdt", { name: "classWeights", value: weights }, wanted);
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value < Number.POSITIVE_INFINITY;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
