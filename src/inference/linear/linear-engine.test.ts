import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sigmoid } from "../../kernel/index.ts";
import { createLinearEngine, encodeLinear, type Linear, openEngine, slotOffsets } from "../index.ts";
import { randomMatrix } from "../testing/random-forest.ts";
import { randomLinear } from "../testing/random-linear.ts";

/** The rules of the format, word for word. */
function scoreByTheBook(linear: Linear, row: Float64Array): number {
  const offsets = slotOffsets(linear.features)!;
  const weights = new Map([...linear.slots].map((slot, i) => [slot, linear.weights[i]!]));
  const weight = (slot: number): number => weights.get(slot) ?? 0;
  let score = linear.intercept;
  for (const [i, { kind, cardinality }] of linear.features.entries()) {
    const [offset, value] = [offsets[i]!, row[i]!];
    if (kind === "categorical") {
      const isCode = Number.isInteger(value) && value >= 0 && value < cardinality;
      score += weight(offset + (isCode ? value : cardinality));
    } else if (Number.isNaN(value)) {
      score += weight(offset + 1);
    } else {
      const input = (value - linear.centre[i]!) / linear.scale[i]!;
      score += weight(offset) * Math.min(1e9, Math.max(-1e9, input));
    }
  }
  return score;
}

describe("the linear engine", () => {
  it("predicts a row and a batch to the same bits, by the rules of the format", () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(0, 3, 40, 400), (seed, weights) => {
        const linear = randomLinear(seed, weights);
        const engine = openEngine("linear", encodeLinear(linear));
        const matrix = randomMatrix(seed + 1, linear.features, 30);
        const batch = engine.predictMatrix(matrix);
        const out = new Float64Array(1);
        for (let i = 0; i < matrix.rowCount; i++) {
          const row = Float64Array.from(matrix.values, (values) => values[i]!);
          const score = scoreByTheBook(linear, row);
          const expected = linear.task === "binary" ? sigmoid(score) : score + 0;
          expect(Object.is(engine.predictRow(row), expected)).toBe(true);
          engine.predictInto(row, out);
          expect(Object.is(out[0], expected)).toBe(true);
          expect(Object.is(batch[i], expected)).toBe(true);
          expect(Number.isFinite(expected)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("refuses a matrix of other columns", () => {
    const linear = randomLinear(4, 10);
    const matrix = randomMatrix(1, [{ name: "other", kind: "numeric", cardinality: 0 }], 2);
    expect(() => createLinearEngine(linear).predictMatrix(matrix)).toThrow(
      expect.objectContaining({ code: "INFERENCE_WRONG_MATRIX" }),
    );
  });
});
