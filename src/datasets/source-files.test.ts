import { expect, it } from "vitest";
import { compareNaturally, findSourceFiles } from "./source-files.ts";
import { openWorkspace } from "./testing/workspace.ts";

it("orders names as people do, the same everywhere", () => {
  const names = [
    "b",
    "a10",
    "a2",
    "a02",
    "a",
    "B",
    "a2b",
    "a2/1",
    "é",
    "a99999999999999999999",
    "a100000000000000000000",
  ];
  expect([...names].sort(compareNaturally)).toEqual([
    "B",
    "a",
    "a02",
    "a2",
    "a2/1",
    "a2b",
    "a10",
    "a99999999999999999999",
    "a100000000000000000000",
    "b",
    "é",
  ]);
});

it("takes patterns in the order given, their files in natural order, each file once", async () => {
  const { root } = await openWorkspace({
    "day-10.csv": "x",
    "day-9.csv": "x",
    "deep/er/day-1.csv": "x",
    "notes.txt": "x",
    "day-9.csv.bak/inside": "x",
  });
  const found = await findSourceFiles({ glob: ["deep/**/*.csv", "day-10.csv", "**/*.csv*"] }, root);
  expect(found.map(({ name }) => name)).toEqual(["deep/er/day-1.csv", "day-10.csv", "day-9.csv"]);
});

it("takes a path that looks like a pattern for itself when such a file is there, and absolute paths", async () => {
  const { root } = await openWorkspace({ "a[1].csv": "x", "a1.csv": "x" });
  expect((await findSourceFiles({ glob: "a[1].csv" }, root)).map(({ name }) => name)).toEqual(["a[1].csv"]);
  expect((await findSourceFiles({ glob: `${root}/a1.*` }, "/")).map(({ name }) => name)).toEqual([
    `${root}/a1.csv`.slice(1),
  ]);
});

it("climbs from a folder that is yet to be made", async () => {
  const { root } = await openWorkspace({ "a1.csv": "x", "a2.csv": "x" });
  const found = await findSourceFiles({ glob: "../../a*.csv" }, `${root}/new/deeper`);
  expect(found.map(({ path }) => path)).toEqual([`${root}/a1.csv`, `${root}/a2.csv`]);
});
