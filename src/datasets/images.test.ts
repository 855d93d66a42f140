import { mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { digestOf } from "../kernel/index.ts";
import { exportSnapshot } from "./export-snapshot.ts";
import { readImageTable } from "./image-facts-file.ts";
import type { Ingested } from "./ingest.ts";
import { readSnapshot } from "./read-snapshot.ts";
import { readRejects } from "./rejects.ts";
import { csv, ndjson, parquet } from "./spec.ts";
import { failure, openWorkspace, type Workspace } from "./testing/workspace.ts";

/** Two tiny pictures: a red pixel as PNG, 2 × 1 pixels as GIF. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==",
  "base64",
);
const GIF = Buffer.from("R0lGODdhAgABAIABAAAAAP///ywAAAAAAgABAAACAgQKADs=", "base64");
const COLUMNS = { name: "category", photo: { type: "image" } } as const;

async function digests({ blobs }: Workspace, { manifest }: Ingested): Promise<(string | null)[]> {
  const column = (await readSnapshot(manifest, { blobs })).columns.get("photo");
  if (column?.kind !== "string") throw new Error("photo is no string column");
  return [...column.codes].map((code) => column.dictionary[code] ?? null);
}

it("takes images from paths and from base64 for the same blobs, each once", async () => {
  const workspace = await openWorkspace({
    "data/a.csv": `name,photo\none,red.png\ntwo,../other/two.gif\nthree,${PNG.toString("base64")}\nfour,\nfive,data/red.png\n`,
    "data/red.png": PNG,
    "other/two.gif": GIF,
    "b.ndjson": [
      { name: "one", photo: `data:image/png;base64,${PNG.toString("base64")}` },
      { name: "two", photo: "other/two.gif" },
      { name: "three", photo: PNG.toString("base64") },
      { name: "four", photo: null },
      { name: "five", photo: "data/red.png" },
    ]
      .map((row) => JSON.stringify(row))
      .join("\n"),
  });
  const taken = await workspace.ingest({ source: csv("data/a.csv"), columns: COLUMNS });
  const [red, two] = [digestOf(PNG), digestOf(GIF)];
  expect(await digests(workspace, taken)).toEqual([red, two, red, null, red]);
  expect(await workspace.blobs.get(red)).toEqual(PNG);
  expect(taken.manifest.images).toMatchObject([
    { column: "photo", images: 2, bytes: PNG.length + GIF.length },
  ]);
  const { facts, decoder } = await readImageTable(taken.manifest.images![0]!, workspace.blobs);
  expect(decoder).toMatch(/^sharp \d.*libvips \d/);
  expect(facts.get(red)).toMatchObject({
    width: 1,
    height: 1,
    bytes: PNG.length,
    redMean: 255,
    saturation: 1,
  });
  expect(facts.get(two)).toMatchObject({ width: 2, height: 1, aspect: 2 });
  const again = await workspace.ingest({ source: ndjson("b.ndjson"), columns: COLUMNS });
  expect(again.digest).toBe(taken.digest);
});

it("names file, line, column and image of the first that is missing or broken, and leaves nothing", async () => {
  const cases: readonly [text: string, files: Record<string, Uint8Array>, code: string, reason: RegExp][] = [
    ["gone.jpg", {}, "IMAGES_NOT_FOUND", /does not exist/],
    ["cut.png", { "cut.png": PNG.subarray(0, 45) }, "IMAGES_BAD_IMAGE", /is no whole PNG image: /],
    ["empty.png", { "empty.png": new Uint8Array() }, "IMAGES_BAD_IMAGE", /is empty/],
    ["page.png", { "page.png": Buffer.from("<html></html>") }, "IMAGES_BAD_IMAGE", /is none of JPEG/],
    ["drawing.png", { "drawing.png": Buffer.from("<svg/>") }, "IMAGES_BAD_IMAGE", /is SVG/],
    [`${GIF.toString("base64").slice(0, 44)}`, {}, "IMAGES_BAD_IMAGE", /is no whole GIF image/],
  ];
  for (const [text, files, code, reason] of cases) {
    const workspace = await openWorkspace({
      "red.png": PNG,
      "a.csv": `name,photo\n"two\nlines",red.png\nbad,${text}\nlast,gone too.png\n`,
      ...files,
    });
    const error = await failure(workspace.ingest({ source: csv("a.csv"), columns: COLUMNS }));
    expect(error).toMatchObject({ code, details: { file: "a.csv", line: 4, column: "photo", value: text } });
    expect(error.message).toContain(`a.csv, line 4, column photo: the image ${text.slice(0, 40)}`);
    expect(error.message).toMatch(reason);
    expect(await workspace.stored()).toEqual([]);
  }
});

it("rejects rows of bad images in quarantine, whatever else was rejected before them", async () => {
  const workspace = await openWorkspace({
    "red.png": PNG,
    "two.gif": GIF,
    "a.csv": "name,photo\none,red.png\nragged\ntwo,gone.png\nthree,two.gif\nfour,gone.png\n",
    "good.csv": "name,photo\none,red.png\nthree,two.gif\n",
  });
  const spec = { columns: COLUMNS, onBadRow: "quarantine", maxBadRowShare: 0.9 } as const;
  const taken = await workspace.ingest({ ...spec, source: csv("a.csv") });
  const good = await workspace.ingest({ columns: COLUMNS, source: csv("good.csv") });
  expect(taken.digest).toBe(good.digest);
  const rejects = await readRejects(taken.manifest.rejects, { blobs: workspace.blobs, limit: 10 });
  expect(rejects).toMatchObject([
    { line: 3, code: "DATASETS_RAGGED_ROW", raw: "ragged" },
    { line: 4, code: "IMAGES_NOT_FOUND", column: "photo", value: "gone.png", raw: "two,gone.png" },
    { line: 6, code: "IMAGES_NOT_FOUND", column: "photo", reason: "does not exist" },
  ]);
  const strict = await failure(workspace.ingest({ ...spec, source: csv("a.csv"), maxBadRowShare: 0.5 }));
  expect(strict).toMatchObject({ code: "DATASETS_TOO_MANY_BAD_ROWS", details: { rejected: 3, rows: 5 } });
});

it("finds nothing out twice when rows are appended", async () => {
  const workspace = await openWorkspace({ "red.png": PNG, "a.csv": "name,photo\none,red.png\n" });
  const spec = { source: csv("a.csv"), columns: COLUMNS };
  const first = await workspace.ingest(spec);
  const same = await workspace.ingest(spec, { previous: first.manifest });
  expect(same.reused).toBe(true);
  await workspace.write("two.gif", GIF);
  await workspace.write("a.csv", "name,photo\none,red.png\ntwo,two.gif\n");
  const more = await workspace.ingest(spec, { previous: first.manifest });
  const alone = await workspace.ingest(spec);
  expect(more.digest).toBe(alone.digest);
  expect(more.manifest.images).toMatchObject([{ images: 2 }]);
});

it("knows the size of real photographs", async () => {
  const list = sharedData("clothing-images/images.csv");
  if (list === undefined) return;
  const workspace = await openWorkspace();
  const columns = { path: { type: "image" }, width: "int", height: "int", bytes: "int" } as const;
  await mkdir(join(workspace.root, "photos"));
  const lines = (await readFile(list, "utf8")).split("\n");
  await workspace.write("photos/images.csv", lines.slice(0, 41).join("\n"));
  for (const folder of ["test", "validation"]) {
    await symlink(join(dirname(list), folder), join(workspace.root, "photos", folder));
  }
  const taken = await workspace.ingest({ source: csv("photos/images.csv"), columns });
  const table = await readSnapshot(taken.manifest, { blobs: workspace.blobs });
  const { facts } = await readImageTable(taken.manifest.images![0]!, workspace.blobs);
  expect(facts.size).toBe(40);
  const photos = table.columns.get("path");
  for (const name of ["width", "height", "bytes"] as const) {
    const listed = table.columns.get(name);
    if (photos?.kind !== "string" || listed?.kind !== "number")
      throw new Error("other columns were asked for");
    const found = [...photos.codes].map((code) => facts.get(photos.dictionary[code]!)?.[name]);
    expect(found).toEqual([...listed.values]);
  }
});

it("exports images as files beside the rows, which make the same snapshot again", async () => {
  const workspace = await openWorkspace({
    "red.png": PNG,
    "two.gif": GIF,
    "a.csv": `name,photo,other\none,red.png,red.png\ntwo,two.gif,\nthree,,red.png\n`,
  });
  const columns = { ...COLUMNS, other: { type: "image" } } as const;
  const { manifest, digest } = await workspace.ingest({ source: csv("a.csv"), columns });
  for (const name of ["out.csv", "out.parquet"]) {
    const out = join(workspace.root, "exported", name);
    await mkdir(dirname(out), { recursive: true });
    await exportSnapshot({ manifest, blobs: workspace.blobs, out, draft: `${out}.draft` });
    const source = name.endsWith("csv") ? csv(`exported/${name}`) : parquet(`exported/${name}`);
    expect((await workspace.ingest({ source, columns })).digest).toBe(digest);
  }
  expect((await readdir(join(workspace.root, "exported/out-images"))).sort()).toEqual(
    [digestOf(PNG), digestOf(GIF), `${digestOf(PNG)}.png`].sort(),
  );
});
