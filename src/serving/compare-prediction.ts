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
  const before = bitsOf(logged.features);
  const after = bitsOf(recomputed.features);
  for (let i = 0; i < before.length; i++) {
    if (before[i] !== after[i]) return { equal: false, what: "feature", index: i >> 1 };
  }
  if (logged.outputs.length !== recomputed.outputs.length) return { equal: false, what: "output-count" };
  const outputs = bitsOf(recomputed.outputs);
  if (bitsOf(logged.outputs).some((bits, i) => bits !== outputs[i])) return { equal: false, what: "output" };
  return { equal: true };
}

function bitsOf(floats: Float64Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length * 2);
}
