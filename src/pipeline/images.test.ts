import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenBundle, openBundle, writeBundle } from "../bundle/index.ts";
import { type Ingested, ingest, readSnapshot } from "../datasets/index.ts";
import { pngOf } from "../images/testing/png.ts";
import { writeGraph } from "../inference/testing/write-graph.ts";
import { createRandom, type Table } from "../kernel/index.ts";
import { byRandom, csv, dataset, gbdt, image, model } from "../project/index.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { type Build, buildBundle } from "./build.ts";
import { type ImageTables, readImageTables } from "./image-columns.ts";
import { judgeCandidate } from "./judge.ts";
import { predictFile } from "./predict-file.ts";
import { type Recipe, recipeOf } from "./recipe.ts";
import { reproduceBundle } from "./reproduce.ts";

/** The mean of each channel. */
const ENCODER = writeGraph({
  inputs: [{ name: "x", type: "float", shape: [1, 3, 4, 4] }],
  outputs: [{ name: "y", type: "float", shape: [1, 3] }],
  nodes: [{ op: "ReduceMean", inputs: ["x"], outputs: ["y"], attributes: { axes: [2, 3], keepdims: 0 } }],
});

const banners = dataset({
  source: csv("banners.csv"),
  columns: {
    banner: image({ embedding: { model: "encoder.onnx", width: 4, height: 4 } }),
    price: "float",
    clicked: { type: "bool", known: "after" },
  },
});
const clicks = model({
  from: banners,
  target: (row) => row.clicked,
  features: (c) => ({
    price: c.price,
    red: c.banner.mean("red"),
    look: c.banner.hash(),
    vector: c.banner.embedding(),
    none: c.banner.isMissing(),
  }),
  split: byRandom({ evaluateShare: 0.25 }),
  trainer: gbdt({ trees: 10, leaves: 4 }),
});

const ROWS = 400;
const PICTURES = 20;
let folder: string;
let blobs: BlobStore;
let taken: Ingested;
let recipe: Recipe;
let table: Table;
let images: ImageTables;
let build: Build;
let bundle: OpenBundle;

/** Red banners are clicked, whatever the price. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-images-"));
  blobs = openFileBlobs(join(folder, "blobs"));
  await mkdir(join(folder, "banners"));
  const random = createRandom("banners");
  for (let at = 0; at < PICTURES; at++) {
    const red = at * 12;
    const picture = pngOf({ width: 6, height: 4 }, (x, y) => [red, (x * at) % 256, y * 20]);
    await writeFile(join(folder, "banners", `${at}.png`), picture);
  }
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const at = random.integer(PICTURES);
    const banner = row % 50 === 49 ? "" : `banners/${at}.png`;
    return `${banner},${random.float()},${random.float() < (at > 9 ? 0.9 : 0.1)}\n`;
  });
  await writeFile(join(folder, "banners.csv"), `banner,price,clicked\n${lines.join("")}`);
  await writeFile(join(folder, "encoder.onnx"), ENCODER);
  taken = await ingest({ name: "banners", spec: banners, root: folder, blobs });
  recipe = recipeOf(clicks, taken.digest);
  table = await readSnapshot(taken.manifest, { blobs });
  images = await readImageTables(taken.manifest, blobs);
  build = await buildBundle(recipe, table, { threads: 1, images: { tables: images, blobs } });
  bundle = await openBundle(blobs, (await writeBundle(blobs, build.parts)).digest);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a model with images", () => {
  it("learns from what is known of them", () => {
    expect(build.kernel.outputs.map(({ name }) => name)).toEqual([
      "price",
      "red",
      "look",
      "vector[0]",
      "vector[1]",
      "vector[2]",
      "none",
    ]);
    expect(build.kernel.inputs).toContainEqual({ name: "banner", type: "image", required: true });
    const gain = new Map(build.trained.importance.map((each) => [each.feature, each.gain]));
    expect(gain.get("red")! + gain.get("vector[0]")! + gain.get("look")!).toBeGreaterThan(
      3 * gain.get("price")!,
    );
    expect(bundle.encoders.size).toBe(1);
  });

  it("is rebuilt byte for byte from the snapshot, which decodes nothing again", async () => {
    const request = { recipe, snapshot: taken.manifest, expected: bundle.manifest, blobs, threads: 2 };
    await rm(join(folder, "encoder.onnx"));
    const { verdict } = await reproduceBundle({ ...request, report: () => undefined });
    await writeFile(join(folder, "encoder.onnx"), ENCODER);
    expect(verdict).toBe("identical");
  });

  it("predicts the rows of a file by their paths, as it does those of the snapshot", async () => {
    const out = join(folder, "predicted.csv");
    const request = { model: "clicks", version: 1, bundle: bundle.digest, column: "p", rules: {} };
    await predictFile(
      { ...request, file: join(folder, "banners.csv"), out, draft: `${out}.draft` },
      { blobs, report: () => undefined },
    );
    const source = csv("predicted.csv");
    const back = await ingest({
      name: "back",
      spec: { source, columns: { p: "float" } },
      root: folder,
      blobs,
    });
    const column = (await readSnapshot(back.manifest, { blobs })).columns.get("p");
    const expected = await build.engine.predictMatrix(build.kernel.evaluateTable(build.table));
    expect(column?.kind === "number" ? [...column.values] : []).toEqual([...expected]);
  });

  it("names the row of a file whose image is missing", async () => {
    await writeFile(join(folder, "more.csv"), "banner,price\nbanners/1.png,1\n,2\nbanners/99.png,3\n");
    const out = join(folder, "more-predicted.csv");
    const request = { model: "clicks", version: 1, bundle: bundle.digest, column: "p", rules: {} };
    await expect(
      predictFile(
        { ...request, file: join(folder, "more.csv"), out, draft: `${out}.draft` },
        { blobs, report: () => undefined },
      ),
    ).rejects.toMatchObject({
      code: "IMAGES_NOT_FOUND",
      message: expect.stringMatching(/more\.csv, row 3, column banner: there is no image banners\/99\.png/),
    });
  });

  it("is not compared with a champion whose vectors another model made", async () => {
    const champion = {
      ...build.kernel,
      embeddings: new Map([["banner", { ...build.kernel.embeddings.get("banner")!, model: "0".repeat(64) }]]),
    };
    const gate = { kind: "champion", metric: "auc", margin: 0, confidence: 0.95 } as const;
    const judge = async (kernel: Build["kernel"]) => {
      const { gates } = await judgeCandidate({
        spec: { ...clicks, gates: [gate] },
        build,
        table,
        images,
        incumbent: { version: 1, kernel, engine: build.engine, output: build.parts.signature.output },
      });
      return gates[0]!;
    };
    expect((await judge(build.kernel)).outcome).toBe("passed");
    expect(await judge(champion)).toMatchObject({ outcome: "not-evaluated" });
  });
});
