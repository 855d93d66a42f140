import { trainingErrors } from "./errors.ts";
import type { ClassWeights } from "./objective-options.ts";
import type { TrainingData, TrainingSet } from "./trainer.ts";

const YES_NO = ["false", "true"];

/**
 * The same rows, with weights multiplied by the factors of their classes. Validation rows are weighted alike, so that
 * training stops early by what it minimises.
 *
 * @throws TRAINING_BAD_OPTION for a regression, or a class that there is not
 */
export function withClassWeights(weights: ClassWeights | undefined, data: TrainingData): TrainingData {
  if (weights === undefined) return data;
  const { task, classes = YES_NO, train, validate } = data;
  if (task === "regression")
    throw bad("is for yes/no targets and classes; this model predicts a number", "leave it out");
  const factors =
    weights === "balanced" ? balancedFactors(train, classes.length) : factorsByName(weights, classes);
  const weigh = (set: TrainingSet): TrainingSet => ({
    ...set,
    weights: set.target.map((label, row) => (set.weights?.[row] ?? 1) * factors[label]!),
  });
  return { ...data, train: weigh(train), ...(validate === undefined ? {} : { validate: weigh(validate) }) };
}

/** Total ÷ (classes · total of the class), as scikit-learn's "balanced": the mean weight stays what it was. */
function balancedFactors({ target, weights }: TrainingSet, classes: number): Float64Array {
  const sums = new Float64Array(classes);
  let total = 0;
  for (let row = 0; row < target.length; row++) {
    const weight = weights?.[row] ?? 1;
    sums[target[row]!] = sums[target[row]!]! + weight;
    total += weight;
  }
  return sums.map((sum) => (sum > 0 ? total / (classes * sum) : 1));
}

function factorsByName(weights: Readonly<Record<string, number>>, classes: readonly string[]): Float64Array {
  const unknown = Object.keys(weights).find((name) => !classes.includes(name));
  if (unknown !== undefined)
    throw bad(`names the class "${unknown}", which there is not`, `classes: ${classes.join(", ")}`);
  return Float64Array.from(classes, (name) => (Object.hasOwn(weights, name) ? weights[name]! : 1));
}

function bad(message: string, hint: string): Error {
  return trainingErrors.TRAINING_BAD_OPTION.error(`gbdt option classWeights ${message}`, {
    details: { option: "classWeights" },
    hint,
  });
}
