import { createRandom, type FeatureColumn } from "../../kernel/index.ts";
import { type Linear, slotOffsets } from "../linear/linear.ts";

/** A sound linear model of any shape, for property tests: same seed, same model. */
export function randomLinear(seed: number, mostWeights: number): Linear {
  const random = createRandom(seed);
  const features: FeatureColumn[] = Array.from({ length: 1 + random.integer(6) }, (_, i) =>
    random.integer(2) === 0
      ? { name: `category ${i}`, kind: "categorical", cardinality: [1, 3, 70, 1_048_576][random.integer(4)]! }
      : { name: `number ${i}`, kind: "numeric", cardinality: 0 },
  );
  const end = slotOffsets(features)!.at(-1)!;
  const drawn = Array.from({ length: random.integer(mostWeights + 1) }, () =>
    // Half of them among the first, so that rows of small codes meet them.
    random.integer(2) === 0 ? random.integer(Math.min(end, 100)) : random.integer(end),
  );
  const slots = Int32Array.from(new Set(drawn)).sort();
  const isNumeric = (i: number): boolean => features[i]!.kind === "numeric";
  return {
    task: random.integer(2) === 0 ? "binary" : "regression",
    features,
    intercept: random.float() - 0.5,
    centre: Float64Array.from(features, (_, i) => (isNumeric(i) ? random.float() * 10 - 5 : 0)),
    scale: Float64Array.from(features, (_, i) => (isNumeric(i) ? random.float() * 3 + 0.1 : 1)),
    weights: Float64Array.from(slots, () => random.float() - 0.5 || 1),
    slots,
  };
}
