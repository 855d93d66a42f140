import { describe, expect, it } from "vitest";
import { canonicalJson, digestOf } from "../kernel/index.ts";
import { csv, dataset, gbdt, model } from "../project/index.ts";
import { recipeOf } from "./recipe.ts";

const rows = dataset({
  source: csv("rows.csv"),
  columns: { zeta: "int", alpha: { type: "float", required: false }, label: { type: "int", known: "after" } },
});
const spec = model({
  from: rows,
  target: (row) => row.label.atLeast(1),
  features: (c) => ({ zulu: c.zeta, bravo: c.alpha, mike: c.alpha.log1p() }),
  trainer: gbdt({ trees: 3 }),
});

describe("recipeOf", () => {
  it("keeps the order of columns and features through canonical JSON", () => {
    const recipe = recipeOf(spec, digestOf("snapshot"));
    const stored: typeof recipe = JSON.parse(canonicalJson(recipe));
    expect(stored).toEqual(recipe);
    expect(stored.features.map(({ name }) => name)).toEqual(["zulu", "bravo", "mike"]);
    expect(stored.columns.map(({ name, required }) => [name, required])).toEqual([
      ["zeta", true],
      ["alpha", false],
      ["label", true],
    ]);
  });
});
