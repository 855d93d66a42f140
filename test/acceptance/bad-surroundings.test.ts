import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createRandom } from "../../src/kernel/index.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { mountTinyDisk } from "../tiny-disk.ts";
import { type ErrorForPrograms, errorOf, predict, slipway, slipwayJson, slipwayUp } from "./command.ts";
import { bundleFilePath, goodRecord, type Kept, smallProject, whatIsKept } from "./small-project.ts";

const project = smallProject("bad-surroundings");
const options = { cwd: project.path, env: { TMPDIR: project.temporary } };

beforeAll(async () => {
  await slipwayJson(["train"], options);
});
/** Of its own, because it is damaged. */
const second = smallProject("damaged-bundle");
afterAll(() => {
  project.remove();
  second.remove();
});

describe("a port that is taken", () => {
  let before: Kept;
  beforeEach(async () => {
    before = await whatIsKept(project);
  });

  async function withTakenPort(work: (port: string) => Promise<void>): Promise<void> {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    try {
      await work(String(typeof address === "object" ? address?.port : 0));
    } finally {
      other.close();
    }
  }

  async function upRefused(args: readonly string[]): Promise<ErrorForPrograms> {
    const finished = await slipway(["up", ...args, "--json"], options);
    expect(finished, finished.stderr).toMatchObject({ code: 1 });
    return errorOf(finished);
  }

  it("for predictions", async () => {
    await withTakenPort(async (port) => {
      const error = await upRefused(["--port", port, "--grpc-port", "0", "--console-port", "0"]);
      expect(error).toMatchObject({ code: "APP_PORT_IN_USE", hint: expect.stringContaining("--port") });
      expect(error.message).toContain(port);
    });
    expect(await whatIsKept(project)).toEqual(before);
  });

  it("for the console", async () => {
    await withTakenPort(async (port) => {
      const error = await upRefused(["--port", "0", "--grpc-port", "0", "--console-port", port]);
      expect(error).toMatchObject({
        code: "HTTP_CANNOT_LISTEN",
        hint: expect.stringContaining("--console-port"),
      });
      expect(error.message).toContain(port);
    });
    expect(await whatIsKept(project)).toEqual(before);
  });

  it("and a second `up` of one project: the first goes on serving", async () => {
    const server = await slipwayUp(options);
    try {
      const error = await upRefused(["--port", "0", "--grpc-port", "0", "--console-port", "0"]);
      expect(error.code).toBe("APP_ALREADY_UP");
      expect(error.message).toContain(String(server.process.pid));
      expect((await predict(server.predictions, "clicked", { instances: [goodRecord] })).status).toBe(200);
    } finally {
      expect(await server.stop()).toBe(0);
    }
    expect(await whatIsKept(project)).toEqual(before);
  });
});

describe("a state directory that cannot be one", () => {
  for (const command of ["train", "up", "models"]) {
    it(`${command} says so, and what to do`, async () => {
      const finished = await slipway([command, "--state-dir", project.data, "--json"], options);
      expect(finished.code).toBe(1);
      const error = errorOf(finished);
      expect(error).toMatchObject({
        code: "APP_STATE_UNUSABLE",
        hint: expect.stringContaining("--state-dir"),
      });
      expect(error.message).toContain(project.data);
    });
  }
});

describe("a bundle whose file is damaged", () => {
  const there = { cwd: second.path };
  const state = join(second.path, ".slipway");
  let model: string;
  let healthy: Buffer;
  const record = { instances: [goodRecord] };

  beforeAll(async () => {
    // Two models, so that one can be broken beside the other.
    const twin = second.goodConfig.slice(second.goodConfig.indexOf("export const clicked"));
    writeFileSync(
      second.config,
      second.goodConfig + twin.replace("const clicked", "const other").replace("trees: 5", "trees: 6"),
    );
    const { bundle } = await slipwayJson<OperationOutput<"train">>(["train", "clicked"], there);
    await slipwayJson(["train", "other"], there);
    model = bundleFilePath(state, bundle, "model");
    healthy = readFileSync(model);
  });

  for (const [damage, spoil] of [
    ["truncated", () => truncateSync(model, Math.floor(healthy.length / 2))],
    ["altered", () => writeFileSync(model, healthy.with(100, (healthy[100] ?? 0) ^ 1))],
  ] as const) {
    it(`${damage}: up says so and serves the others; reproduce writes it again, and it is served`, async () => {
      spoil();
      const server = await slipwayUp(there);
      try {
        expect(server.output()).toContain('"kind":"problem"');
        expect(server.output()).toContain("model clicked version 1");
        expect((await predict(server.predictions, "other", record)).status).toBe(200);
        const refused = await predict(server.predictions, "clicked", record);
        expect(refused).toMatchObject({ status: 503, body: { code: "SERVING_MODEL_UNAVAILABLE" } });
        expect(JSON.stringify(refused.body)).not.toContain(second.path);
        const { models } = await slipwayJson<OperationOutput<"status">>(["status"], there);
        expect(models).toMatchObject([
          { model: "clicked", state: "failed", reason: expect.stringContaining('its file "model"') },
          { model: "other", state: "ready" },
        ]);
        const deployed = await slipway(["deploy", "clicked@1", "--json"], there);
        expect(deployed.code).toBe(1);
        expect(errorOf(deployed).code).toBe("BUNDLE_DAMAGED");
        expect(await slipwayJson(["reproduce", "clicked@1"], there)).toMatchObject({ verdict: "identical" });
        expect(readFileSync(model)).toEqual(healthy);
        await expect
          .poll(async () => (await predict(server.predictions, "clicked", record)).status, {
            timeout: 60_000,
          })
          .toBe(200);
      } finally {
        expect(await server.stop()).toBe(0);
      }
    });
  }
});

describe("a full disk", () => {
  it("while a part is written: nothing is registered, and with more room the same command works", async (context) => {
    const disk = mountTinyDisk(800);
    if (disk === undefined) return context.skip();
    onTestFinished(disk.unmount);
    const full = smallProject("full-disk");
    onTestFinished(full.remove);
    const state = join(disk.path, "state");
    const random = createRandom("full disk");
    const at = (row: number): string => new Date(1_700_000_000_000 + row * 60_000).toISOString();
    const rows = Array.from(
      { length: 60_000 },
      (_, row) => `${at(row)},news,${random.float()},${random.integer(1e9)},${row % 2}`,
    );
    writeFileSync(full.data, ["at,site,price,position,clicked", ...rows, ""].join("\n"));
    const train = ["train", "--state-dir", state, "--json"];
    const there = { cwd: full.path, env: { TMPDIR: full.temporary } };

    const failed = await slipway(train, there);
    expect(failed.code, failed.stderr).toBe(1);
    expect(errorOf(failed).code).toBe("DATASETS_DISK_FULL");
    expect(await whatIsKept(full, state)).toEqual(NOTHING);

    disk.grow(20_000);
    const trained = await slipwayJson<OperationOutput<"train">>(train.slice(0, -1), there);
    expect(trained).toMatchObject({ version: 1, status: "accepted" });
    const { runs } = await slipwayJson<OperationOutput<"runs.list">>(["runs", "--state-dir", state], there);
    expect(runs.map(({ state: end }) => end)).toEqual(["succeeded", "failed"]);
  });
});

const NOTHING: Kept = {
  snapshots: [],
  versions: [],
  aliases: [],
  blobs: [],
  temporaryFiles: [],
  runningServer: [],
};
