import { type FeatureMatrix, sigmoid } from "../../kernel/index.ts";
import type { Engine } from "../engine.ts";
import { checkColumns } from "../matrix-columns.ts";
import { codeSlot, type Linear, scaledInput, slotOffsets } from "./linear.ts";

/** What feature `i` of a sound linear model adds to the score of a row in which it has this value; NaN is missing. */
export function linearTerms(linear: Linear): (i: number, value: number) => number {
  const { features, centre, scale } = linear;
  const offsets = slotOffsets(features)!;
  const weightOf = createWeights(linear, offsets[features.length]!);
  const isNumeric = Uint8Array.from(features, ({ kind }) => (kind === "numeric" ? 1 : 0));
  const weightsOf = (slot: number) =>
    Float64Array.from(features, (_, i) => (isNumeric[i] === 1 ? weightOf(offsets[i]! + slot) : 0));
  const valueWeight = weightsOf(0);
  const missingWeight = weightsOf(1);
  return (i, value) => {
    if (isNumeric[i] === 0) {
      const offset = offsets[i]!;
      return weightOf(offset + codeSlot(value, offsets[i + 1]! - offset - 1));
    }
    if (Number.isNaN(value)) return missingWeight[i]!;
    return valueWeight[i]! * scaledInput(value, centre[i]!, scale[i]!);
  };
}

/** The engine of a sound linear model (see `problemOfLinear`). */
export function createLinearEngine(linear: Linear): Engine {
  const { features, intercept, task } = linear;
  const width = features.length;
  const term = linearTerms(linear);

  function predictRow(row: Float64Array): number {
    let score = intercept;
    for (let i = 0; i < width; i++) score += term(i, row[i]!);
    // −0 does not leave an engine: it has no spelling in JSON.
    return task === "binary" ? sigmoid(score) : score + 0;
  }

  function predictMatrix(matrix: FeatureMatrix): Float64Array {
    checkColumns(features, matrix);
    const predictions = new Float64Array(matrix.rowCount);
    const row = new Float64Array(width);
    for (let i = 0; i < matrix.rowCount; i++) {
      for (let column = 0; column < width; column++) row[column] = matrix.values[column]![i]!;
      predictions[i] = predictRow(row);
    }
    return predictions;
  }

  return {
    task,
    featureCount: width,
    outputs: 1,
    predictRow,
    predictInto: (row, out) => {
      out[0] = predictRow(row);
    },
    predictMatrix,
  };
}

/**
 * The weight of every slot, 0 where the model has none. A directory says where the slots of one stretch stand among the
 * sorted ones; within it they are searched by halves. Memory follows from the number of weights, not from that of slots,
 * and a lookup takes at most log₂ of their number of steps, however they lie.
 */
function createWeights({ slots, weights }: Linear, end: number): (slot: number) => number {
  let shift = 0;
  while (end >>> shift > Math.max(16, 2 * slots.length)) shift++;
  const first = new Int32Array((end >>> shift) + 2);
  for (const slot of slots) first[(slot >>> shift) + 1]!++;
  for (let stretch = 1; stretch < first.length; stretch++) first[stretch]! += first[stretch - 1]!;
  return (slot) => {
    const stretch = slot >>> shift;
    let low = first[stretch]!;
    let high = first[stretch + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (slots[middle]! < slot) low = middle + 1;
      else high = middle;
    }
    return slots[low] === slot ? weights[low]! : 0;
  };
}
