import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { placeOfRow } from "./row-place.ts";
import { csv, ndjson, parquet } from "./spec.ts";

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "slipway-row-place-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  return root;
}

it("names the line on which a CSV row begins, past newlines in quotes and blank lines", async () => {
  const root = await folderWith({ "a.csv": 'x,y\n1,"two\nlines"\n\n2,b\n', "b.csv": "x,y\r\n3,c\r\n" });
  const source = csv("*.csv");
  expect(await placeOfRow(source, { root, row: 0 })).toEqual({ file: "a.csv", line: 2, row: 1 });
  expect(await placeOfRow(source, { root, row: 1 })).toEqual({ file: "a.csv", line: 5, row: 2 });
  expect(await placeOfRow(source, { root, row: 2 })).toEqual({ file: "b.csv", line: 2, row: 3 });
});

it("names the line of an NDJSON row", async () => {
  const root = await folderWith({ "a.ndjson": '{"x":1}\n\n{"x":2}\n' });
  expect(await placeOfRow(ndjson("a.ndjson"), { root, row: 1 })).toEqual({
    file: "a.ndjson",
    line: 3,
    row: 2,
  });
});

it("names the row alone where files have no lines", async () => {
  expect(await placeOfRow(parquet("a.parquet"), { root: "/", row: 7 })).toEqual({ row: 8 });
});
