import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type CsvRecord, CsvScanner } from "./csv-scanner.ts";
import { openWorkspace } from "./testing/workspace.ts";

function scanAll(path: string, delimiter = ","): { records: CsvRecord[]; scanner: CsvScanner } {
  const scanner = new CsvScanner(path, { delimiter, quote: '"' });
  const records: CsvRecord[] = [];
  for (let record = scanner.next(); record !== undefined; record = scanner.next()) records.push(record);
  scanner.close();
  return { records, scanner };
}

it("says on which physical line and at which byte each record begins", async () => {
  const { root } = await openWorkspace({ "a.csv": 'ä,b\r\n"x\ny\r\nz","q ""r"""\r1,2\n\n3,4' });
  const { records, scanner } = scanAll(join(root, "a.csv"));
  expect(records.map(({ line, offset, fields }) => [line, offset, fields])).toEqual([
    [1, 0, ["ä", "b"]],
    [2, 6, ["x\ny\r\nz", 'q "r"']],
    [5, 25, ["1", "2"]],
    [6, 29, [""]],
    [7, 30, ["3", "4"]],
  ]);
  expect(records[1]?.fieldLines).toEqual([2, 4]);
  expect(scanner.newlines).toEqual({ lf: 2, crlf: 1, cr: 1 });
});

it("names the quote that is not closed, and the text after one that is", async () => {
  const { root } = await openWorkspace({ "a.csv": 'a,b\n1,"x\n\n2,y', "b.csv": 'a,b\n1,"x" y\n' });
  expect(scanAll(join(root, "a.csv")).scanner.fault).toMatchObject({ kind: "unclosed", line: 2, field: 1 });
  expect(scanAll(join(root, "b.csv")).scanner.fault).toMatchObject({
    kind: "text-after-quote",
    line: 2,
    field: 1,
  });
});

it("reads back whatever was written, across the borders of what is read at a time", async () => {
  const { root } = await openWorkspace();
  const path = join(root, "a.csv");
  const cell = fc.oneof(
    fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\ufeff")),
    fc.constantFrom('"', "\n", "\r\n", ",", "a\rb", "", "é", "x".repeat(70_000)),
  );
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const table = fc
    .integer({ min: 1, max: 4 })
    .chain((width) =>
      fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 30 }),
    );
  fc.assert(
    fc.property(table, fc.constantFrom("\n", "\r\n", "\r"), fc.nat(40), (rows, newline, repeats) => {
      const all = Array.from({ length: repeats + 1 }, () => rows).flat();
      writeFileSync(path, all.map((row) => row.map(quoted).join(",") + newline).join(""));
      const { records, scanner } = scanAll(path);
      expect(scanner.fault).toBeUndefined();
      expect(records.map(({ fields }) => fields)).toEqual(all);
      let line = 1;
      for (const [index, row] of all.entries()) {
        expect(records[index]?.line).toBe(line);
        line += row.join("").split(/\r\n|\n|\r/).length;
        const inCells = row.reduce((sum, text) => sum + text.split(/\r\n|\n|\r/).length - 1, 0);
        line += inCells - (row.join("").split(/\r\n|\n|\r/).length - 1);
      }
    }),
    { numRuns: 40 },
  );
});
