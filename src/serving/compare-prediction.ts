/** What a prediction was made of and came to: features in the plan's order and the model's outputs. */
export interface Computed {
  readonly features: Float64Array;
  readonly outputs: Float64Array;
}

export type Comparison =
  | { readonly equal: true }
  /** Features bit for bit, outputs within the bound. */
  | { readonly equal: "within-bound" }
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

/**
 * Units in the last place of a float32 by which a model on a thread may differ from what it answered before: onnxruntime adds
 * in another order in another batch. They are those of the largest number of the instance's answer, because a small one may
 * be the difference of large ones.
 */
export const BOUND_ULPS = 64;
const FLOAT32_ULP = 1 / 8_388_608;

/** `compareComputed`, with outputs that may differ within `BOUND_ULPS`; whole numbers and texts may not. */
export function compareWithinBound(
  logged: Computed,
  recomputed: Computed,
  isFloat: (output: number) => boolean,
): Comparison {
  const exact = compareComputed(logged, recomputed);
  if (exact.equal !== false || exact.what !== "output") return exact;
  let largest = 0;
  for (let i = 0; i < logged.outputs.length; i++)
    if (isFloat(i)) largest = Math.max(largest, Math.abs(logged.outputs[i]!));
  const bound = BOUND_ULPS * FLOAT32_ULP * largest;
  for (let i = 0; i < logged.outputs.length; i++) {
    const distance = Math.abs(logged.outputs[i]! - recomputed.outputs[i]!);
    if (!(distance <= (isFloat(i) ? bound : 0))) return exact;
  }
  return { equal: "within-bound" };
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
