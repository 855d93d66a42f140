import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import { cellCheck } from "./cell-text.ts";
import { sqlText } from "./sql-quoting.ts";
import { type TextRules, textToValue } from "./text-values.ts";
import { timeParser } from "./time-format.ts";

let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:");
  connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
});

afterAll(() => {
  connection.disconnectSync();
  instance.closeSync();
});

/** What the table engine makes of a text: `refused`, or the value as text. */
async function engineValue(
  text: string,
  type: ColumnType,
  rules: TextRules,
): Promise<string | null | undefined> {
  const field = text === "" ? "CAST(NULL AS VARCHAR)" : sqlText(text);
  const shown = type === "timestamp" ? "epoch_us(v)::VARCHAR" : "v::VARCHAR";
  try {
    const reader = await connection.runAndReadAll(
      `SELECT ${shown} AS v FROM (SELECT ${textToValue({ text: "f" }, type, rules)} AS v FROM (SELECT ${field} AS f))`,
    );
    return reader.getRowObjectsJS()[0]?.v as string | null;
  } catch {
    return undefined;
  }
}

const plain: TextRules = { nullValues: [""], trim: false };
const characters = fc.constantFrom(..."0123456789+-.eE_ \txXtTfnaiZ:/yY");
const pieces: Readonly<Record<string, fc.Arbitrary<string>>> = {
  int: fc.oneof(
    fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
    fc.string({ unit: characters, maxLength: 6 }),
  ),
  // DuckDB reads +-5 as -5; nobody writes it.
  float: fc
    .oneof(fc.double().map(String), fc.string({ unit: characters, maxLength: 6 }))
    .filter((text) => !text.includes("+-")),
  bool: fc.oneof(
    fc.constantFrom("true", "False", "YES", "n", "0", "T", " t ", "on"),
    fc.string({ unit: characters, maxLength: 3 }),
  ),
  timestamp: fc
    .tuple(
      fc.constantFrom(
        "2024-02-29",
        "2023-02-29",
        "1969-12-31",
        "2024-1-1",
        "20240101",
        " 2024-01-01 ",
        "0001-01-01",
      ),
      fc.constantFrom("", " ", "T", "  "),
      fc.constantFrom(
        "",
        "10:00",
        "10:00:59",
        "10:00:60",
        "23:59:59.123456789",
        "10:00:00.5",
        "1:00",
        "25:00",
      ),
      fc.constantFrom("", "Z", "+02:00", "-05:30", "+0530", "+05", " UTC", "z"),
    )
    .map((parts) => parts.join("")),
};

describe("the table engine and the explanation of its refusals", () => {
  for (const type of ["int", "float", "bool", "timestamp"] as const) {
    it(`agree on what is a text of type ${type}`, async () => {
      const check = cellCheck(type, plain);
      await fc.assert(
        fc.asyncProperty(pieces[type]!, async (text) => {
          const value = await engineValue(text, type, plain);
          expect([text, value === undefined]).toEqual([text, check(text) !== undefined]);
        }),
        { numRuns: 200 },
      );
    });
  }

  it("agree on times in other formats, and on what they mean", async () => {
    const texts = fc
      .tuple(
        fc.nat(14),
        fc.nat(33),
        fc.integer({ min: 0, max: 2030 }),
        fc.nat(25),
        fc.nat(61),
        fc.constantFrom("AM", "pm", "x"),
      )
      .map(([month, day, year, hour, minute, half]) => ({ month, day, year, hour, minute, half }));
    const two = (value: number): string => String(value).padStart(2, "0");
    await fc.assert(
      fc.asyncProperty(texts, async ({ month, day, year, hour, minute, half }) => {
        const cases: [format: string, text: string][] = [
          ["%m/%d/%Y", `${month}/${day}/${year}`],
          ["%m/%d/%y", `${two(month)}/${two(day)}/${two(year % 100)}`],
          ["%d.%m.%Y %H:%M", `${day}.${month}.${year} ${hour}:${two(minute)}`],
          ["%m/%d/%Y %I:%M %p", `${month}/${day}/${year} ${hour}:${two(minute)} ${half}`],
        ];
        for (const [timestampFormat, text] of cases) {
          const rules = { ...plain, timestampFormat };
          const ours = timeParser(timestampFormat)(text);
          const value = await engineValue(text, "timestamp", rules);
          if (Number.isNaN(ours))
            expect([timestampFormat, text, value]).toEqual([timestampFormat, text, undefined]);
          else expect([timestampFormat, text, value]).toEqual([timestampFormat, text, String(ours * 1000)]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("texts become values", () => {
  it("as they are meant", async () => {
    const cases: [ColumnType, string, string | null][] = [
      ["int", "007", "7"],
      ["int", " 42\t", "42"],
      ["int", "+5", "5"],
      ["int", "41.0", "41"],
      ["int", "-9223372036854775808", "-9223372036854775808"],
      ["float", " .5", "0.5"],
      ["float", "5.", "5.0"],
      ["float", "1e3", "1000.0"],
      ["float", "NaN", null],
      ["float", "1e-400", "0.0"],
      ["bool", "Yes", "true"],
      ["bool", " f ", "false"],
      ["category", " x ", " x "],
      ["category", " \t ", null],
      ["category", "", null],
    ];
    for (const [type, text, value] of cases) {
      expect([type, text, await engineValue(text, type, plain)]).toEqual([type, text, value]);
    }
  });

  it("in UTC, to the microsecond, whatever the zone of the text", async () => {
    for (const text of [
      "2024-02-29",
      "2024-02-29 12:34",
      "2024-02-29T12:34:56",
      "2024-02-29 12:34:56.789012999",
      "2024-02-29T12:34:56+05:30",
      "1969-12-31T23:59:59.999999-01:00",
    ]) {
      expect([text, await engineValue(text, "timestamp", plain)]).toEqual([
        text,
        String(Math.round(parseIsoTime(text) * 1000)),
      ]);
    }
  });

  it("with blanks dropped and texts that mean missing, also when they are many", async () => {
    const nullValues = ["", "?", "NA", "-999", "none", "n/a", "unknown", "it's"];
    const rules: TextRules = { nullValues, trim: true };
    expect(await engineValue("  x y ", "category", rules)).toBe("x y");
    for (const text of ["?", " NA ", "it's", "  "])
      expect(await engineValue(text, "category", rules)).toBe(null);
    expect(await engineValue("-999", "int", rules)).toBe(null);
    expect(await engineValue(" -999 ", "float", rules)).toBe(null);
    expect(await engineValue("unknown", "timestamp", rules)).toBe(null);
    expect(await engineValue("-998", "int", rules)).toBe("-998");
  });

  it("from epochs", async () => {
    const seconds = { ...plain, timestampFormat: "epoch-seconds" };
    expect(await engineValue("847434961", "timestamp", seconds)).toBe("847434961000000");
    expect(await engineValue(" -1.5 ", "timestamp", seconds)).toBe("-1500000");
    expect(await engineValue("1704067200.123456", "timestamp", seconds)).toBe("1704067200123456");
    expect(await engineValue("x", "timestamp", seconds)).toBe(undefined);
    const milliseconds = { ...plain, timestampFormat: "epoch-milliseconds" };
    expect(await engineValue("1704067200123", "timestamp", milliseconds)).toBe("1704067200123000");
    expect(await engineValue("1704067200123.25", "timestamp", milliseconds)).toBe("1704067200123250");
  });
});
