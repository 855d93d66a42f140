import { describe, expect, it } from "vitest";
import { createEnsembleEngine, type OriginModel, readOriginModel } from "../../inference/index.ts";
import { channelColumns } from "../command/job-layout.ts";
import { oneTree } from "../testing/program.ts";
import { fitEnsemble } from "./fit-ensemble.ts";

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
const here = { trained: "here" } as const;
const read = (inputs: readonly string[]): OriginModel => readOriginModel(Buffer.from(oneTree(inputs)));

/** Which of the three features the model looks at. */
function readsFeature(model: OriginModel): number {
  const engine = createEnsembleEngine(fitEnsemble(model, wanted, here));
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
      expect(() => fitEnsemble(model, wanted, here)).toThrow(message);
      expect(() => fitEnsemble(model, wanted, here)).toThrow(
        expect.objectContaining({ code: "TRAINING_MODEL_MISMATCH" }),
      );
    }
    expect(() => fitEnsemble(read(names), { ...wanted, task: "regression" }, here)).toThrow(
      /it is a binary model with 1 output \(binary sigmoid:1\), a regression model with 1 is wanted/,
    );
    const labelled = read(["age", "title_7_", "site"]);
    const inputs = labelled.inputs.map((input) =>
      input.name === "site" ? { ...input, type: "category" as const, categories: ["1", "0", "2"] } : input,
    );
    expect(() => fitEnsemble({ ...labelled, inputs }, wanted, here)).toThrow(/takes labels instead of codes/);
  });
});

describe("trees that were trained elsewhere", () => {
  const elsewhere = (classes?: readonly string[]) => ({ trained: "elsewhere", classes }) as const;

  it("read every feature, by its name or by its place", () => {
    expect(() => fitEnsemble(read(["site", "age", "title_7_"]), wanted, elsewhere())).not.toThrow();
    expect(() => fitEnsemble(read(["Column_0", "Column_1", "Column_2"]), wanted, elsewhere())).not.toThrow();
    expect(() => fitEnsemble(read(["age", "site"]), wanted, elsewhere())).toThrow(
      'it reads 2 inputs, the plan makes 3 features: none of them is "title[7]"',
    );
    expect(() => fitEnsemble(read(["Column_0"]), wanted, elsewhere())).toThrow(
      "it reads 1 input, the plan makes 3 features: age, title_7_, site",
    );
  });

  it("answer in the order of the target's classes", () => {
    const ofClasses = (classes: readonly string[]): OriginModel => {
      const model = read(names);
      const base = Float64Array.from(classes, (_, sum) => sum);
      const { ensemble } = model;
      return {
        ...model,
        classes,
        ensemble: { ...ensemble, task: "multiclass", link: { kind: "softmax" }, base },
      };
    };
    const three = { ...wanted, task: "multiclass", outputs: 3 } as const;
    const given = ["pear", "apple", "plum"];
    const answer = (classes: readonly string[], fit: readonly string[]): number[] => {
      const out = new Float64Array(3);
      createEnsembleEngine(fitEnsemble(ofClasses(classes), three, elsewhere(fit))).predictInto(
        Float64Array.of(0, 0, 0),
        out,
      );
      return [...out];
    };
    const own = answer(given, given);
    const sorted = answer(given, ["apple", "pear", "plum"]);
    for (const [place, from] of [1, 0, 2].entries()) expect(sorted[place]).toBeCloseTo(own[from]!, 12);
    // Numbers are no names: the first is the first.
    expect(answer(["0", "1", "2"], given)).toEqual(own);
    expect(answer(["0", "1", "2"], ["0", "1", "2"])).toEqual(own);
    expect(() => fitEnsemble(ofClasses(given), three, elsewhere(["apple", "fig", "plum"]))).toThrow(
      'its class "pear" is none of the target\'s, which are apple, fig, plum',
    );
  });
});
