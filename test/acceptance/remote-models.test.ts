import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { slope } from "../../src/serving/testing/graph-bundle.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { predict, type RunningServer, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";
import { goodRecord, smallProject } from "./small-project.ts";

const CONFIG = `import { csv, dataset } from "slipway";
export const visits = dataset({ source: csv("visits.csv"), columns: { age: "int" } });
`;

/** `theirs` trains and serves a model; `ours` stands in front of it. */
const theirs = smallProject("remote-models");
const ours = scratchFolder("remote-front");
const cwd = ours.path;
let remote: RunningServer;
let front: RunningServer;

const up = () =>
  slipwayUp({
    cwd: theirs.path,
    args: remote === undefined ? [] : ["--port", new URL(remote.predictions).port],
  });
const describeRemote = (more: object): void =>
  writeFileSync(
    join(cwd, "ads.json"),
    JSON.stringify({
      format: "slipway.remote/1",
      protocol: "v2",
      model: "clicked",
      timeoutMs: 5_000,
      ...more,
    }),
  );
const ask = (record: object = goodRecord) =>
  predict(front.predictions, "ads", { instances: [record, record] });

beforeAll(async () => {
  await slipwayJson(["train"], { cwd: theirs.path });
  remote = await up();
  writeFileSync(join(cwd, "slipway.config.ts"), CONFIG);
  writeFileSync(join(cwd, "visits.csv"), "age\n1\n");
  writeFileSync(join(cwd, "slope.onnx"), slope);
  await slipwayJson(["model", "import", "slope.onnx", "--name", "slope"], { cwd });
});
afterAll(async () => {
  await front?.stop();
  await remote?.stop();
  theirs.remove();
  ours.remove();
});

it("a model at another server is registered, served, logged and replayed; when that server is down, only it is refused", async () => {
  // Nobody listens at the first address.
  describeRemote({ addresses: ["http://127.0.0.1:9", remote.predictions] });
  const imported = await slipwayJson<OperationOutput<"models.import">>(
    ["model", "import", "ads.json", "--name", "ads"],
    {
      cwd,
    },
  );
  expect(imported).toMatchObject({
    version: 1,
    champion: true,
    inputs: 4,
    origin: { format: "remote", producer: "slipway_forest" },
  });

  front = await slipwayUp({ cwd });
  const expected = (await predict(remote.predictions, "clicked", { instances: [goodRecord] })).body
    .predictions;
  const [value] = expected as number[];
  for (let at = 0; at < 12; at++)
    expect(await ask()).toMatchObject({ status: 200, body: { predictions: [value, value] } });
  expect(await ask({ ...goodRecord, price: "dear" })).toMatchObject({
    status: 400,
    body: { code: "SERVING_BAD_INSTANCE" },
  });
  // Ends with an error when predictions come out different.
  const replay = async () =>
    JSON.parse((await slipway(["replay", "--all", "--json"], { cwd })).stdout) as OperationOutput<"replay">;
  expect(await replay()).toMatchObject({ predictions: 24, identical: 24 });

  await remote.stop();
  const refused = await ask();
  expect(refused).toMatchObject({ status: 503, body: { code: "INFERENCE_REMOTE_UNAVAILABLE" } });
  expect(refused.body.error).toContain(new URL(remote.predictions).host);
  const slopes = await predict(front.predictions, "slope", { instances: [{ x: [3, 1] }] });
  expect(slopes).toMatchObject({ status: 200, body: { predictions: [5] } });
  const [example] = (await replay()).examples;
  expect(example).toMatchObject({ verdict: "different", reason: expect.stringContaining("does not answer") });

  remote = await up();
  await expect.poll(async () => (await ask()).status, { timeout: 60_000, interval: 250 }).toBe(200);
  expect((await replay()).identical).toBe(27);
});

it("a description that is wrong, or of a server that is not there, registers nothing", async () => {
  describeRemote({ addresses: ["http://me:hunter2@127.0.0.1:9"] });
  const secret = await slipway(["model", "import", "ads.json", "--name", "none"], { cwd });
  expect(secret.code).not.toBe(0);
  expect(secret.stderr).toContain("INFERENCE_BAD_MODEL_FILE");
  expect(secret.stderr).not.toContain("hunter2");
  describeRemote({ addresses: ["http://127.0.0.1:9"] });
  const absent = await slipway(["model", "import", "ads.json", "--name", "none"], { cwd });
  expect(absent.stderr).toContain("INFERENCE_REMOTE_UNAVAILABLE");
  const { models } = await slipwayJson<{ models: readonly { name: string }[] }>(["models"], { cwd });
  expect(models.map(({ name }) => name).sort()).toEqual(["ads", "slope"]);
});
