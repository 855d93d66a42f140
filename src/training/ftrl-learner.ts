import { type Linear, scaledInput } from "../inference/index.ts";
import { exp, type FeatureMatrix, log1p } from "../kernel/index.ts";
import type { FtrlSpec } from "./ftrl-spec.ts";
import type { InputScaling } from "./input-scaling.ts";
import { findSeenSlots } from "./seen-slots.ts";

/** A linear model that is being learned, row by row. */
export interface FtrlLearner {
  /** Says that all rows follow for the `pass`-th time, from 1. */
  startPass(pass: number): void;
  /**
   * Predicts a row of the matrix, then learns from it.
   *
   * @returns the loss of the prediction, times the weight: logarithmic, or half the squared error
   */
  learn(row: number, target: number, weight: number): number;
  /** Weights that the model could have. */
  readonly slots: number;
  /** The model as it is now. */
  model(): Linear;
}

interface Subject {
  readonly task: Linear["task"];
  readonly matrix: FeatureMatrix;
  readonly scaling: InputScaling;
}

/**
 * FTRL-Proximal (McMahan et al. 2013, algorithm 1). A slot keeps z and n; its weight follows from them:
 *
 *     w = 0                                      if |z| ≤ λ₁
 *     w = −(z − sgn(z) λ₁) ÷ ((β + √n) ÷ α + λ₂)  otherwise
 *
 * and for every input x ≠ 0 of a row with gradient g = (prediction − target) · weight · x:
 *
 *     σ = (√(n + g²) − √n) ÷ α;  z ← z + g − σ w;  n ← n + g²
 *
 * The intercept is a slot of its own without penalties. In pass k the penalties are k λ₁ and k λ₂: they stand against the
 * evidence of k passes, and what a single row says does not outgrow them by being said again.
 *
 * @throws TRAINING_TOO_LARGE
 */
export function createFtrlLearner(spec: FtrlSpec, { task, matrix, scaling }: Subject): FtrlLearner {
  const { alpha, beta } = spec;
  let { l1, l2 } = spec;
  const { columns, values } = matrix;
  const { centre, scale } = scaling;
  const { slots, first, seen, categorical, width } = findSeenSlots(matrix);
  const numeric = [...columns.keys()].filter((i) => columns[i]!.kind === "numeric");
  const isBinary = task === "binary";
  /** z of a seen slot at 2 i, n at 2 i + 1, so that both lie in one line of the cache; the intercept's at the end. */
  const state = new Float64Array(2 * (slots.length + 1));
  const interceptAt = 2 * slots.length;
  // What the row at hand makes of its features: places in the state, inputs, and weights as they were for the prediction.
  const places = new Int32Array(columns.length + 1);
  const inputs = new Float64Array(columns.length + 1);
  const weights = new Float64Array(columns.length + 1);

  function weightAt(place: number): number {
    const z = state[place]!;
    const size = z < 0 ? -z : z;
    if (size <= l1) return 0;
    const beyond = z < 0 ? l1 - size : size - l1;
    return -beyond / ((beta + Math.sqrt(state[place + 1]!)) / alpha + l2);
  }

  function intercept(): number {
    const rate = (beta + Math.sqrt(state[interceptAt + 1]!)) / alpha;
    return rate === 0 ? 0 : -state[interceptAt]! / rate;
  }

  function learn(row: number, target: number, weight: number): number {
    let count = 1;
    places[0] = interceptAt;
    inputs[0] = 1;
    let score = intercept();
    weights[0] = score;
    const take = (place: number, input: number): void => {
      const w = weightAt(place);
      score += w * input;
      places[count] = place;
      inputs[count] = input;
      weights[count++] = w;
    };
    for (const i of numeric) {
      const value = values[i]![row]!;
      const isMissing = Number.isNaN(value);
      const input = isMissing ? 1 : scaledInput(value, centre[i]!, scale[i]!);
      if (input !== 0) take(2 * (first[i]! + (isMissing ? 1 : 0)), input);
    }
    const at = row * categorical.length;
    for (let i = 0; i < categorical.length; i++) take(2 * seen[at + i]!, 1);
    const e = isBinary ? exp(score < 0 ? score : -score) : 0;
    const prediction = isBinary ? (score < 0 ? e : 1) / (1 + e) : score;
    const error = prediction - target;
    for (let i = 0; i < count; i++) {
      const place = places[i]!;
      const g = error * weight * inputs[i]!;
      const n = state[place + 1]!;
      const grown = n + g * g;
      const sigma = (Math.sqrt(grown) - Math.sqrt(n)) / alpha;
      state[place]! += g - sigma * weights[i]!;
      state[place + 1] = grown;
    }
    if (!isBinary) return (weight * error * error) / 2;
    const missed = target === 1 ? -score : score;
    return weight * (log1p(e) + (missed > 0 ? missed : 0));
  }

  function model(): Linear {
    const all = slots.map((_, i) => i).filter((i) => weightAt(2 * i) !== 0);
    return {
      task,
      features: columns,
      intercept: intercept(),
      ...scaling,
      slots: all.map((i) => slots[i]!),
      weights: Float64Array.from(all, (i) => weightAt(2 * i)),
    };
  }

  return {
    startPass: (pass) => {
      l1 = pass * spec.l1;
      l2 = pass * spec.l2;
    },
    learn,
    slots: width,
    model,
  };
}
