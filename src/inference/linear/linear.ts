import type { FeatureColumn } from "../../kernel/index.ts";

/**
 * A linear model over a feature matrix, with the weights that are not zero.
 *
 * Every feature owns consecutive *slots*, in the order of the features. A categorical one owns a slot for each of its
 * codes and, after them, one for missing values; its input is 1 in the slot of the row's code. A numeric one owns two: the
 * first takes the value, as (x − centre) ÷ scale, the second 1 where the value is missing.
 *
 * The score of a row is the intercept, plus what feature 0 contributes, plus feature 1, and so on in this order.
 */
export interface Linear {
  /** Of a binary model the score is the log-odds, of a regression the value itself. */
  readonly task: "binary" | "regression";
  readonly features: readonly FeatureColumn[];
  readonly intercept: number;
  /** One for each feature; 0 for categorical ones. */
  readonly centre: Float64Array;
  /** One for each feature, above 0; 1 for categorical ones. */
  readonly scale: Float64Array;
  /** The slots whose weights are not zero, rising. */
  readonly slots: Int32Array;
  readonly weights: Float64Array;
}

/** Most slots of a model: 2^28, sixteen features hashed as widely as they may be. */
export const MOST_SLOTS = 268_435_456;
/** Centred and scaled values count as this at most, so that no score overflows. */
export const LARGEST_INPUT = 1e9;
/** No weight, and no intercept, is larger than this. */
export const LARGEST_WEIGHT = 1e100;

/** The first slot of every feature, and the number of slots at the end; undefined when there are more than `MOST_SLOTS`. */
export function slotOffsets(features: readonly FeatureColumn[]): Int32Array | undefined {
  const offsets = new Int32Array(features.length + 1);
  let next = 0;
  for (const [i, { kind, cardinality }] of features.entries()) {
    next += kind === "numeric" ? 2 : cardinality + 1;
    if (next > MOST_SLOTS) return undefined;
    offsets[i + 1] = next;
  }
  return offsets;
}

/** A value of a numeric feature as the model takes it. */
export function scaledInput(value: number, centre: number, scale: number): number {
  const input = (value - centre) / scale;
  return input > LARGEST_INPUT ? LARGEST_INPUT : input < -LARGEST_INPUT ? -LARGEST_INPUT : input;
}

/** The slot that a categorical value stands for, counted from the feature's first; what is no code counts as missing. */
export function codeSlot(value: number, cardinality: number): number {
  const code = value | 0;
  return code === value && code >= 0 && code < cardinality ? code : cardinality;
}

/** The first rule of the format that `linear` breaks, as text for a message, or undefined when it is sound. */
export function problemOfLinear(linear: Linear): string | undefined {
  const { features, centre, scale, slots, weights, intercept } = linear;
  const offsets = slotOffsets(features);
  if (offsets === undefined) return `its features have more than ${MOST_SLOTS} slots`;
  const names = new Set(features.map(({ name }) => name));
  if (names.size !== features.length) return "two features have the same name";
  if (centre.length !== features.length || scale.length !== features.length)
    return "it has no centre and scale for each feature";
  if (slots.length !== weights.length) return `it has ${slots.length} slots for ${weights.length} weights`;
  if (!isWeight(intercept)) return `its intercept is ${intercept}`;
  for (const [i, { name, kind, cardinality }] of features.entries()) {
    const [from, by] = [centre[i]!, scale[i]!];
    if (kind === "numeric" ? cardinality !== 0 : from !== 0 || by !== 1)
      return `feature "${name}" is neither numeric nor categorical`;
    if (!Number.isFinite(from) || !(by > 0 && by < Number.POSITIVE_INFINITY))
      return `feature "${name}" has centre ${from} and scale ${by}`;
  }
  const end = offsets[features.length]!;
  for (let i = 0; i < slots.length; i++) {
    if (!(slots[i]! >= 0 && slots[i]! < end)) return `weight ${i} is that of slot ${slots[i]} of ${end}`;
    if (i > 0 && slots[i]! <= slots[i - 1]!) return `slot ${slots[i]} comes after slot ${slots[i - 1]}`;
    if (weights[i] === 0 || !isWeight(weights[i]!)) return `weight ${i} is ${weights[i]}`;
  }
  return undefined;
}

function isWeight(value: number): boolean {
  return value >= -LARGEST_WEIGHT && value <= LARGEST_WEIGHT;
}
