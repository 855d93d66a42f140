import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { readCsvRows } from "./csv-rows.ts";
import { csvDialect, readCsvHeader } from "./csv-source.ts";
import { csv } from "./spec.ts";
import { textRulesOf } from "./text-values.ts";

const newline = fc.constantFrom("\n", "\r\n");
const good = fc.constantFrom("1,x", "-7,", ',"a ""quoted"" word"', '2,"two\nlines"', "  3 ,größe €");
const bad = fc.constantFrom("oops,x", "1", "1,x,y", '1,"x"y', "1.5,x", '"two\nlines",x', "1,caf\xe9");

it("tells good rows from bad ones whatever stands beside them, and gives them byte for byte", () => {
  const folder = mkdtempSync(join(tmpdir(), "slipway-csv-rows-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.csv");
  const source = csv("a.csv");
  const row = fc.record({ isGood: fc.boolean(), good, bad, newline });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
      const bytes = rows.map(({ isGood, good, bad, newline }) =>
        Buffer.from(`${isGood ? good : bad}${newline}`, isGood ? "utf8" : "latin1"),
      );
      writeFileSync(path, Buffer.concat([Buffer.from("a,b\n"), ...bytes]));
      const file = { path, name: "a.csv", bytes: statSync(path).size };
      const expected = {
        header: readCsvHeader(file, csvDialect(source)),
        schema: [
          { name: "a", type: "int" },
          { name: "b", type: "text" },
        ],
        dialect: csvDialect(source),
        rules: textRulesOf(source),
      } as const;
      const read = [...readCsvRows(file, expected)].map(({ bytes: row, error }) => ({
        bytes: Buffer.from(row),
        isGood: error === undefined,
      }));
      const kept = Buffer.concat(read.flatMap((found) => (found.isGood ? [found.bytes] : [])));
      expect(kept.toString()).toBe(Buffer.concat(bytes.filter((_, i) => rows[i]?.isGood)).toString());
      expect(Buffer.concat(read.map((found) => found.bytes))).toEqual(Buffer.concat(bytes));
    }),
  );
});
