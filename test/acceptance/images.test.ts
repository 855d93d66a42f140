import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { sharedData } from "../shared-data.ts";
import {
  errorOf,
  predict,
  type RunningServer,
  scratchFolder,
  slipway,
  slipwayJson,
  slipwayUp,
} from "./command.ts";

const CONFIG = `import { byRandom, csv, dataset, gbdt, image, model } from "slipway";
export const photos = dataset({
  source: csv("photos/images.csv"),
  columns: { path: image(), label: { type: "category", known: "after" } },
});
export const garment = model({
  from: photos,
  target: (row) => row.label,
  features: ({ path }) => ({
    aspect: path.aspect(),
    bytes: path.bytes(),
    bright: path.brightness(),
    contrast: path.contrast(),
    saturation: path.saturation(),
    red: path.mean("red"),
    blue: path.mean("blue"),
  }),
  split: byRandom({ evaluateShare: 0.3 }),
  trainer: gbdt({ trees: 30, leaves: 8, minRowsPerLeaf: 10 }),
});
`;

const list = sharedData("clothing-images/images.csv");

describe.skipIf(list === undefined)("713 real photographs", () => {
  const folder = scratchFolder("images");
  const cwd = folder.path;
  const photos = join(cwd, "photos");
  const first = (readFileSync(list ?? "/dev/null", "utf8").split("\n")[1] ?? "").split(",")[0] ?? "";
  let server: RunningServer | undefined;

  beforeAll(() => {
    mkdirSync(photos);
    cpSync(dirname(list ?? ""), photos, { recursive: true });
    writeFileSync(join(cwd, "slipway.config.ts"), CONFIG);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  it("are ingested with what is known of them by one command", async () => {
    const { snapshots } = await slipwayJson<OperationOutput<"data.add">>(["data", "add"], { cwd });
    expect(snapshots).toMatchObject([{ rowCount: 713, rejected: 0 }]);
    const shown = await slipway(["data", "show", "photos"], { cwd });
    expect(shown.stdout).toMatch(/images +713 different in path, 18\.\d MB/);
  });

  it("train a classifier that knows more than the most frequent class, and is rebuilt the same", async () => {
    const trained = await slipwayJson<OperationOutput<"train">>(["train"], { cwd });
    const accuracy = trained.evaluation.metrics.find(({ name }) => name === "accuracy");
    const labels = readFileSync(list ?? "", "utf8")
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split(",")[1]);
    const counts = Map.groupBy(labels, (label) => label).values();
    const mostFrequent = Math.max(...Array.from(counts, (own) => own.length)) / labels.length;
    expect(accuracy?.value).toBeGreaterThan(mostFrequent + 0.05);
    const { verdict } = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "garment"], { cwd });
    expect(verdict).toBe("identical");
  });

  it("are predicted from base64 as from the file, and replayed", async () => {
    server = await slipwayUp({ cwd });
    const bytes = readFileSync(join(photos, first)).toString("base64");
    const answer = await predict(server.predictions, "garment", { instances: [{ path: { b64: bytes } }] });
    expect(answer.status).toBe(200);
    writeFileSync(join(photos, "one.csv"), `path\n${first}\n`);
    const out = join(cwd, "one.ndjson");
    await slipwayJson(["predict", "garment", "--file", join(photos, "one.csv"), "--out", out], { cwd });
    const { predictions } = answer.body as { predictions: number[][] };
    const predicted: Record<string, unknown> = JSON.parse(readFileSync(out, "utf8"));
    const probabilities = Object.entries(predicted).flatMap(([name, value]) =>
      name.startsWith("prediction_") && typeof value === "number" ? [value] : [],
    );
    expect(probabilities).toEqual(predictions[0]);

    const broken = await predict(server.predictions, "garment", {
      instances: [{ path: bytes.slice(0, 4000) }],
    });
    expect(broken.status).toBe(400);
    expect(broken.body.error).toMatch(/instance 0: field "path": the image is no whole JPEG image/);
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
    expect(replayed).toMatchObject({ predictions: 1, identical: 1 });
    await server.stop();
    server = undefined;
  });

  it("with one that is cut off are refused, and it is named", async () => {
    truncateSync(join(photos, first), 9000);
    const refused = await slipway(["data", "add", "--json"], { cwd });
    expect(refused.code).toBe(2);
    expect(errorOf(refused)).toMatchObject({
      code: "IMAGES_BAD_IMAGE",
      message: expect.stringContaining(
        `photos/images.csv, line 2, column path: the image ${first} is no whole JPEG`,
      ),
    });
  });
});
