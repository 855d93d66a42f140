import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv } from "./csv.ts";
import { recordsOfCsv } from "./csv-records.ts";
import { inputRules } from "./prediction-body.ts";

const texts = (text: string) => parseCsv(text).map(({ fields }) => fields.map((field) => field.text));

describe("comma-separated values", () => {
  it("are read after RFC 4180", () => {
    expect(texts('a,b\r\n"x,y","say ""hi""\nthere"\n\n1,\n')).toEqual([
      ["a", "b"],
      ["x,y", 'say "hi"\nthere'],
      ["1", ""],
    ]);
    expect(texts("\ufeffa")).toEqual([["a"]]);
    expect(texts('""')).toEqual([[""]]);
    expect(texts("a,")).toEqual([["a", ""]]);
    expect(texts("")).toEqual([]);
  });

  it("read back whatever is written after the rules, with the line of every row", () => {
    const rows = fc.array(fc.array(fc.string({ unit: "grapheme" }), { minLength: 2, maxLength: 4 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(rows, (given) => {
        const quoted = given.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(","));
        const parsed = parseCsv(quoted.join("\r\n"));
        expect(parsed.map(({ fields }) => fields.map(({ text }) => text))).toEqual(given);
        const lines = quoted.map(
          (_, row) => quoted.slice(0, row).join("\n").split("\n").length + (row === 0 ? 0 : 1),
        );
        expect(parsed.map(({ line }) => line)).toEqual(lines);
      }),
    );
  });

  it.each([
    ['a\n"b', 2],
    ['a\nb"c', 2],
    ['a\n"b"c', 2],
  ])("name the line of a fault: %j", (text, line) => {
    expect(() => parseCsv(text)).toThrow(
      expect.objectContaining({ code: "WIRE_BAD_CSV", details: { line } }),
    );
  });
});

describe("records of CSV", () => {
  const limits = { maxDepth: 32, refuseUnknownFields: false };
  const rules = inputRules(
    "m",
    [
      { name: "day", type: "timestamp", required: true },
      { name: "n", type: "int", required: false },
      { name: "x", type: "float", required: false },
      { name: "yes", type: "bool", required: false },
      { name: "city", type: "category", required: false },
    ],
    limits,
  );

  it("are of the types of the model's columns, as pandas writes them", () => {
    const csv =
      ',day,n,x,yes,city\n0,2015-12-24,3.0,1e-3,True,"a, b"\n1,1450915200000,,NaN,,\n2,2015,7,2,0,""\n';
    expect(recordsOfCsv(csv, rules)).toEqual([
      { "": "0", day: "2015-12-24", n: 3, x: 0.001, yes: true, city: "a, b" },
      { "": "1", day: 1450915200000, n: null, x: null, yes: null, city: null },
      { "": "2", day: "2015", n: 7, x: 2, yes: false, city: "" },
    ]);
  });

  it.each([
    ["a word for a number", "day,x\n2015,warm", "WIRE_BAD_CSV", { line: 2, column: "x" }],
    ["a fraction for an integer", "day,n\n2015,1\n2016,1.5", "WIRE_BAD_CSV", { line: 3, column: "n" }],
    ["a word for a flag", "yes\nperhaps", "WIRE_BAD_CSV", { line: 2, column: "yes" }],
    ["an infinite number", "x\n1e999", "WIRE_BAD_CSV", { line: 2, column: "x" }],
    ["too few fields", "day,x\n2015", "WIRE_BAD_CSV", { line: 2 }],
    ["a column that stands there twice", "x,x\n1,2", "WIRE_BAD_CSV", { line: 1, column: "x" }],
    ["no rows", "day,x\n", "WIRE_BAD_CSV", { line: 1 }],
    ["nothing", "", "WIRE_BAD_CSV", { line: 1 }],
    [
      "an integer that loses digits",
      "n\n9007199254740993",
      "WIRE_INEXACT_INTEGER",
      { field: "n", instance: 0 },
    ],
  ])("are refused for %s", (_what, csv, code, details) => {
    expect(() => recordsOfCsv(csv, rules)).toThrow(
      expect.objectContaining({ code, details: expect.objectContaining(details) }),
    );
  });
});
