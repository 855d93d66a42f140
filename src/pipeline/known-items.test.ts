import { describe, expect, it } from "vitest";
import type { Table, TableColumn } from "../kernel/index.ts";
import { csv, dataset, model } from "../project/index.ts";
import { knownItems } from "./known-items.ts";
import { recipeOf } from "./recipe.ts";

const ratings = dataset({
  source: csv("ratings.csv"),
  columns: {
    at: "timestamp",
    movie: "category",
    year: "int",
    live: "bool",
    rating: { type: "float", known: "after" },
  },
  time: "at",
});
const rating = model({
  from: ratings,
  target: (row) => row.rating,
  features: (c) => ({ movie: c.movie }),
  items: { key: "movie", columns: ["year", "live"] },
});

const numbers = (...values: number[]): TableColumn => ({ kind: "number", values: Float64Array.from(values) });
const table: Table = {
  rowCount: 5,
  columns: new Map<string, TableColumn>([
    ["at", numbers(30, 10, 20, 40, Number.NaN)],
    ["movie", { kind: "string", codes: Int32Array.of(1, 0, 1, -1, 0), dictionary: ["b", "a", "unused"] }],
    ["year", numbers(1999, 1980, 1998, 5, 6)],
    ["live", numbers(1, Number.NaN, 0, 1, 0)],
  ]),
};

describe("the items of a snapshot", () => {
  it("are those with a key, as their newest rows have them, by key", () => {
    const recipe = recipeOf(rating, "0".repeat(64) as never);
    expect(recipe.items).toEqual({ key: "movie", columns: ["year", "live"] });
    expect(knownItems(recipe.items!, table, recipe)).toEqual({
      key: "movie",
      columns: ["movie", "year", "live"],
      rows: [
        ["a", 1999, true],
        ["b", 1980, null],
      ],
    });
  });

  it("are declared by a column that is known and can be a key", () => {
    const plain = model as (options: unknown) => unknown;
    const options = {
      from: ratings,
      target: (row: { rating: unknown }) => row.rating,
      features: (c: { movie: unknown }) => ({ movie: c.movie }),
    };
    const refused = (items: unknown) => expect(() => plain({ ...options, items }));
    refused({ key: "film" }).toThrow(/no column "film"/);
    refused({ key: "rating" }).toThrow(/known only after/);
    refused({ key: "live" }).toThrow(/a category or an int can be a key/);
    refused({ key: "movie", columns: ["movie"] }).toThrow(/names a column twice/);
    refused({ key: "movie", column: ["year"] }).toThrow(/no option "column"/);
    refused({ columns: [] }).toThrow(/needs a key/);
  });
});
