import { describe, expect, it } from "vitest";
import { canonicalJson, SlipwayError } from "../kernel/index.ts";
import { csv, dataset } from "./index.ts";

const declared = {
  source: csv("x.csv"),
  columns: {
    id: "int",
    town: "category",
    price: { type: "float", known: "after" },
    at: "timestamp",
    note: "text",
    ok: "bool",
  },
} as const;

describe("checks of a dataset", () => {
  it("are plain data in its specification", () => {
    const { checks } = dataset({
      ...declared,
      time: "at",
      checks: {
        rows: { min: 1, max: 9, severity: "warning" },
        freshness: { maxAgeHours: 0.5 },
        key: { columns: ["id", "at"] },
        unexpectedColumns: {},
        columns: {
          id: { unique: true, domain: { values: [1, 2] } },
          at: { range: { min: "2020-01-01" } },
          note: { pattern: { matches: /^\p{L}\/$/u } },
          town: { pattern: { matches: "^a", flags: "i" }, skew: { lInfinity: 0.1 } },
        },
      },
    });
    expect(JSON.parse(canonicalJson(checks))).toEqual({
      rows: { min: 1, max: 9, severity: "warning" },
      freshness: { maxAgeHours: 0.5 },
      key: { columns: ["id", "at"] },
      unexpectedColumns: {},
      columns: {
        id: { unique: {}, domain: { values: [1, 2] } },
        at: { range: { min: "2020-01-01" } },
        note: { pattern: { matches: "^\\p{L}\\/$", flags: "u" } },
        town: { pattern: { matches: "^a", flags: "i" }, skew: { lInfinity: 0.1 } },
      },
    });
    expect(dataset(declared)).not.toHaveProperty("checks");
  });

  it.each<[string, unknown]>([
    ["checks must be an object", 5],
    ['checks has no option "row"', { row: { min: 1 } }],
    ["checks.rows limits nothing", { rows: {} }],
    ["checks.rows.min must be a whole number", { rows: { min: 1.5 } }],
    ["checks.rows: min is larger than max", { rows: { min: 2, max: 1 } }],
    ['checks.rows.severity must be "error" or "warning"', { rows: { min: 2, severity: "fatal" } }],
    ["checks.rowsOfPrevious.max must be a number", { rowsOfPrevious: { max: "2" } }],
    ["checks.freshness: the dataset has no time", { freshness: { maxAgeHours: 1 } }],
    ["checks.key.columns must be a list", { key: { columns: [] } }],
    ['checks.key.columns: the dataset has no column "idd"', { key: { columns: ["idd"] } }],
    ["checks.key.maxShareRepeated must be a share", { key: { columns: ["id"], maxShareRepeated: 2 } }],
    ["checks.unexpectedColumns.allowed must be a list", { unexpectedColumns: { allowed: "x" } }],
    ["checks.columns must be an object", { columns: 5 }],
    ['checks.columns: the dataset has no column "twon"', { columns: { twon: {} } }],
    ['checks.columns.town has no option "range"', { columns: { town: { range: { min: 0 } } } }],
    ["checks.columns.town.missing.maxShare is missing", { columns: { town: { missing: {} } } }],
    [
      "checks.columns.town.missing.maxShare must be a share",
      { columns: { town: { missing: { maxShare: -1 } } } },
    ],
    [
      "checks.columns.town.domain.values must be a list of strings",
      { columns: { town: { domain: { values: [1] } } } },
    ],
    [
      "checks.columns.id.domain.values must be a list of numbers",
      { columns: { id: { domain: { values: ["1"] } } } },
    ],
    ["checks.columns.price.range.min must be a number", { columns: { price: { range: { min: "0" } } } }],
    ["checks.columns.price.range limits nothing", { columns: { price: { range: {} } } }],
    [
      "checks.columns.price.range: min is larger than max",
      { columns: { price: { range: { min: 2, max: 1 } } } },
    ],
    ["checks.columns.at.range.max must be an ISO 8601 time", { columns: { at: { range: { max: "soon" } } } }],
    [
      "checks.columns.note.pattern.matches: Invalid regular expression",
      { columns: { note: { pattern: { matches: "(" } } } },
    ],
    [
      "checks.columns.note.pattern.matches: the flags g and y",
      { columns: { note: { pattern: { matches: /a/g } } } },
    ],
    ["checks.columns.note.pattern.matches must be", { columns: { note: { pattern: {} } } }],
    [
      "checks.columns.id.unique.maxShareRepeated must be a share",
      { columns: { id: { unique: { maxShareRepeated: "a" } } } },
    ],
    ["checks.columns.id.unique must be an object", { columns: { id: { unique: false } } }],
    ["checks.columns.ok.drift limits nothing", { columns: { ok: { drift: {} } } }],
    [
      "checks.columns.town.drift.lInfinity must be a number from 0 to 1",
      { columns: { town: { drift: { lInfinity: 2 } } } },
    ],
    [
      "checks.columns.price.skew.exact must be true or false",
      { columns: { price: { skew: { psi: 1, exact: 1 } } } },
    ],
  ])("say what is wrong: %s", (message, checks) => {
    const declare = () => dataset({ ...declared, checks: checks as never });
    expect(declare).toThrow(SlipwayError);
    expect(declare).toThrow(message);
  });
});
