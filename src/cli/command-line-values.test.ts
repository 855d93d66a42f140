import { describe, expect, it } from "vitest";
import { exampleRecord } from "./example-record.ts";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatMetric,
  formatQuantity,
} from "./format-values.ts";
import { parseInstant } from "./instant.ts";
import { parseModelReference, parseVersionedModel } from "./model-reference.ts";
import { parseRecords } from "./record-input.ts";
import { curlLine } from "./serving-text.ts";

describe("times on the command line", () => {
  const clock = () => Date.parse("2026-03-10T12:00:00Z");

  it.each([
    ["24h", "2026-03-09T12:00:00.000Z"],
    ["90s", "2026-03-10T11:58:30.000Z"],
    ["7d", "2026-03-03T12:00:00.000Z"],
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31T10:00", "2026-01-31T10:00:00.000Z"],
    ["2026-01-31 10:00:05", "2026-01-31T10:00:05.000Z"],
    ["2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00.000Z"],
  ])("%s is %s, in UTC whatever the machine's zone", (text, iso) => {
    expect(parseInstant("--since", text, clock)).toBe(iso);
  });

  it.each(["", "24", "h", "2026-13-01", "01/31/2026", "tomorrow"])("%j is refused", (text) => {
    expect(() => parseInstant("--since", text, clock)).toThrow("--since");
  });
});

describe("references to models", () => {
  it.each([
    ["churn", { model: "churn" }],
    ["churn@3", { model: "churn", version: 3 }],
    ["churn@v3", { model: "churn", version: 3 }],
    ["churn@champion", { model: "churn", version: "champion" }],
  ])("%s", (text, reference) => {
    expect(parseModelReference(text)).toEqual(reference);
  });

  it("must name a version where one is wanted", () => {
    expect(parseVersionedModel("churn@3")).toEqual({ model: "churn", version: 3 });
    for (const text of ["churn", "churn@champion", "@3", "churn@"])
      expect(() => parseVersionedModel(text)).toThrow(text);
  });
});

describe("records to predict for", () => {
  it.each([
    ["an object", '{"a":1}', [{ a: 1 }]],
    ["a list", '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
    ["lines", '{"a":1}\n\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ["an object over several lines", '{\n "a": 1\n}\n', [{ a: 1 }]],
  ])("are %s", (_what, text, records) => {
    expect(parseRecords(text)).toEqual(records);
  });

  it.each([
    ["", "no record"],
    ["{a:1}", "line 1"],
    ['{"a":1}\n{"a":', "line 2"],
    ["[1]", "record 1 is not an object"],
    ['[{"a":1},[]]', "record 2 is not an object"],
  ])("%j is refused", (text, message) => {
    expect(() => parseRecords(text)).toThrow(message);
  });
});

describe("numbers for people", () => {
  it("are short", () => {
    expect([formatMetric(0.84213), formatMetric(48_612.4), formatMetric(1.5), formatMetric(null)]).toEqual([
      "0.8421",
      "48,612",
      "1.5000",
      "–",
    ]);
    expect([formatCount(0), formatCount(1234567)]).toEqual(["0", "1,234,567"]);
    expect([12.4, 3400, 59_960, 125_000, 7_500_000].map(formatDuration)).toEqual([
      "12 ms",
      "3.4 s",
      "1 min 00 s",
      "2 min 05 s",
      "2 h 05 min",
    ]);
    expect([0, 999, 1000, 999_600, 17_300_000].map(formatBytes)).toEqual([
      "0 bytes",
      "999 bytes",
      "1.00 kB",
      "1.00 MB",
      "17.3 MB",
    ]);
    expect([formatQuantity(1, "rows"), formatQuantity(2, "rows")]).toEqual(["1 row", "2 rows"]);
    const now = Date.parse("2026-01-02T00:00:00Z");
    expect(
      ["2026-01-02T00:00:00Z", "2026-01-01T23:59:00Z", "2025-12-30T00:00:00Z"].map((at) =>
        formatAge(at, now),
      ),
    ).toEqual(["just now", "1 minute ago", "3 days ago"]);
  });
});

describe("the line to try", () => {
  const column = { missing: 0, deviation: null, distinct: null, min: null, max: null, mean: null, top: [] };
  const columns = [
    { ...column, name: "tenure", type: "int" as const, mean: 32.4 },
    { ...column, name: "charge", type: "float" as const, mean: 64.76169 },
    { ...column, name: "plan", type: "category" as const, top: [{ value: "Joe's", count: 3 }] },
    { ...column, name: "when", type: "timestamp" as const, max: Date.parse("2026-01-31T00:00:00Z") },
    { ...column, name: "active", type: "bool" as const, mean: 0.7 },
    { ...column, name: "unused", type: "int" as const, mean: 1 },
  ];
  const inputs = ["tenure", "charge", "plan", "when", "active"].map((name) => ({
    name,
    type: columns.find((each) => each.name === name)!.type,
    required: true,
  }));

  it("has a typical value of each column that the model reads", () => {
    expect(exampleRecord(inputs, columns)).toEqual({
      tenure: 32,
      charge: 64.76,
      plan: "Joe's",
      when: "2026-01-31T00:00:00.000Z",
      active: true,
    });
  });

  it("survives the shell", () => {
    const line = curlLine({
      predictions: "http://127.0.0.1:8080",
      version: { model: "churn", inputs },
      snapshot: { columns },
    });
    expect(line).toContain(`"plan":"Joe'\\''s"`);
    expect(line).toMatch(/^curl -s http:\/\/127\.0\.0\.1:8080\/v1\/models\/churn:predict -d '/);
  });
});
