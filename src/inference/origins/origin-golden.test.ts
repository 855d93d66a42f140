import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createEnsembleEngine, encodeEnsemble, openEngine, readOriginModel } from "../index.ts";
import type { OriginFormat, OriginModel } from "./origin-model.ts";

interface Case {
  readonly name: string;
  readonly format: ModelFormat;
  readonly text?: string;
  readonly base64?: string;
  /** Values of the inputs; null is missing, texts are categories. */
  readonly rows: readonly (readonly (number | string | null)[])[];
  readonly expected: readonly (readonly number[])[];
  readonly records?: boolean;
  readonly refused?: string;
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("../../../test/golden/origin-models.json", import.meta.url), "utf8"),
);

/** A description of a remote model has no model in it. */
type ModelFormat = Exclude<OriginFormat, "remote">;

/** LightGBM adds in double, the others in float32. */
const TOLERANCE: Readonly<Record<ModelFormat, number>> = {
  lightgbm: 1e-12,
  "xgboost-json": 4e-7,
  "xgboost-ubj": 4e-7,
  onnx: 4e-7,
};

const bytesOf = ({ text, base64 }: Case): Buffer =>
  base64 === undefined ? Buffer.from(text ?? "") : Buffer.from(base64, "base64");

/** The codes and numbers that a feature plan of the model's inputs makes of a row. */
function featuresOf(model: OriginModel, row: Case["rows"][number]): Float64Array {
  return Float64Array.from(model.inputs, ({ categories }, index) => {
    const value = row[index];
    if (value === null || value === undefined) return Number.NaN;
    if (categories === undefined) return Number(value);
    const code = categories.indexOf(String(value));
    return code === -1 ? Number.NaN : code;
  });
}

describe("models of other programs answer what their origin answers", () => {
  for (const one of cases.filter(({ refused }) => refused === undefined)) {
    it(`${one.format}: ${one.name}`, () => {
      const model = readOriginModel(bytesOf(one));
      expect(model.format).toBe(one.format);
      const engine = createEnsembleEngine(model.ensemble);
      const stored = openEngine("forest", encodeEnsemble(model.ensemble));
      const out = new Float64Array(engine.outputs);
      const again = new Float64Array(engine.outputs);
      let worst = 0;
      for (const [at, row] of one.rows.entries()) {
        const features = featuresOf(model, row);
        engine.predictInto(features, out);
        stored.predictInto(features, again);
        expect(again).toEqual(out);
        const expected = one.expected[at]!;
        expect(out).toHaveLength(expected.length);
        for (const [k, value] of expected.entries())
          worst = Math.max(worst, Math.abs(out[k]! - value) / Math.max(1e-3, Math.abs(value)));
      }
      expect(worst).toBeLessThanOrEqual(TOLERANCE[one.format]);
    });
  }

  for (const one of cases.filter(({ refused }) => refused !== undefined)) {
    it(`${one.format}: ${one.name} is refused by name`, () => {
      expect(() => readOriginModel(bytesOf(one))).toThrowError(
        expect.objectContaining({
          code: "INFERENCE_UNSUPPORTED_MODEL",
          message: expect.stringContaining(one.refused ?? ""),
        }),
      );
    });
  }
});
