/** What a prediction was made of and came to: features in the plan's order and the model's outputs. */
export interface Computed {
  readonly features: Float64Array;
  readonly outputs: Float64Array;
}

export type Comparison =
  | { readonly equal: true }
  | { readonly equal: false; readonly what: "feature-count" | "output-count" | "output" }
  | { readonly equal: false; readonly what: "feature"; readonly index: number };

/** Compares bit for bit: −0 is not 0, and one NaN is not another. */
export function compareComputed(logged: Computed, recomputed: Computed): Comparison {
  if (logged.features.length !== recomputed.features.length) return { equal: false, what: "feature-count" };
  const feature = firstDifference(logged.features, recomputed.features);
  if (feature !== undefined) return { equal: false, what: "feature", index: feature };
  if (logged.outputs.length !== recomputed.outputs.length) return { equal: false, what: "output-count" };
  if (firstDifference(logged.outputs, recomputed.outputs) !== undefined)
    return { equal: false, what: "output" };
  return { equal: true };
}

/** Where the first of two lists of equal length has other bits, or undefined. */
export function firstDifference(logged: Float64Array, recomputed: Float64Array): number | undefined {
  const before = bitsOf(logged);
  const after = bitsOf(recomputed);
  for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) return i >> 1;
  return undefined;
}

function bitsOf(floats: Float64Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length * 2);
}
