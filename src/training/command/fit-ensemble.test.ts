import { describe, expect, it } from "vitest";
import { createEnsembleEngine, type OriginModel, readOriginModel } from "../../inference/index.ts";
import { oneTree } from "../testing/program.ts";
import { fitEnsemble } from "./fit-ensemble.ts";
import { channelColumns } from "./job-layout.ts";

const names = ["age", "title[7]", "site"];
const columns = channelColumns(
  names.map((name) => ({
    name,
    kind: name === "site" ? "categorical" : "numeric",
    cardinality: name === "site" ? 3 : 0,
  })),
  false,
);
const wanted = { task: "binary", outputs: 1, columns } as const;
const read = (inputs: readonly string[]): OriginModel => readOriginModel(Buffer.from(oneTree(inputs)));

/** Which of the three features the model looks at. */
function readsFeature(model: OriginModel): number {
  const engine = createEnsembleEngine(fitEnsemble(model, wanted));
  const zeros = engine.predictRow(Float64Array.of(0, 0, 0));
  return [0, 1, 2].findIndex((i) => engine.predictRow(new Float64Array(3).fill(1, i, i + 1)) !== zeros);
}

describe("the trees of a program", () => {
  it("read the columns by their names, in whatever order and however few", () => {
    expect(readsFeature(read(["age", "title_7_", "site"]))).toBe(0);
    expect(readsFeature(read(["site", "age", "title_7_"]))).toBe(2);
    expect(readsFeature(read(["title_7_"]))).toBe(1);
  });

  it("read them by their places where they are only numbered", () => {
    expect(readsFeature(read(["Column_0", "Column_1", "Column_2"]))).toBe(0);
    expect(readsFeature(read(["f0", "f1", "f2"]))).toBe(0);
  });

  it("are refused when they do not fit", () => {
    const cases: [OriginModel, RegExp][] = [
      [read(["age", "height", "site"]), /its input "height" is none of the features age, title_7_, site/],
      [read(["Column_0", "Column_1"]), /reads 2 inputs, the plan makes 3 features/],
      [read(["f1", "f2", "f0"]), /its input "f1" is none/],
    ];
    for (const [model, message] of cases) {
      expect(() => fitEnsemble(model, wanted)).toThrow(message);
      expect(() => fitEnsemble(model, wanted)).toThrow(
        expect.objectContaining({ code: "TRAINING_MODEL_MISMATCH" }),
      );
    }
    expect(() => fitEnsemble(read(names), { ...wanted, task: "regression" })).toThrow(
      /it is a binary model with 1 outputs \(binary sigmoid:1\), a regression model with 1 is wanted/,
    );
    const labelled = read(["age", "title_7_", "site"]);
    const inputs = labelled.inputs.map((input) =>
      input.name === "site" ? { ...input, type: "category" as const, categories: ["1", "0", "2"] } : input,
    );
    expect(() => fitEnsemble({ ...labelled, inputs }, wanted)).toThrow(/takes labels instead of codes/);
  });
});
