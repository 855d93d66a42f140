import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readWorkerStatuses } from "../../src/app/worker-status.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { startLoad } from "../soak/load.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "../soak/project.ts";
import { errorOf, predict, slipway, slipwayJson, slipwayUp } from "./command.ts";

let project: SoakProject;

beforeAll(async () => {
  project = writeProject(4_000);
  await trainChampion(project);
});
afterAll(() => project.remove());

/** Another version of the model: the config with fewer trees. */
async function trainAnother(trees: number): Promise<number> {
  const config = join(project.path, "slipway.config.ts");
  const text = readFileSync(config, "utf8");
  writeFileSync(config, text.replace(/trees: \d+/, `trees: ${trees}`));
  return (await slipwayJson<OperationOutput<"train">>(["train"], { cwd: project.path })).version;
}

function connectionsOfWorkers(cwd: string): readonly number[] {
  return readWorkerStatuses(join(cwd, ".slipway", "workers"), Date.now).map(({ load }) => load.connections);
}

describe("a running server", () => {
  it("takes up a new champion without a failed request, and answers with it once the deployment is acknowledged", async () => {
    const cwd = project.path;
    const server = await slipwayUp({ cwd });
    const load = startLoad(server.predictions, 8);
    try {
      const second = await trainAnother(30);
      const before = await predict(server.predictions, model, { instances: [recordOf(5)] });
      expect(before.headers.get("x-slipway-version")).toBe("1");
      const deployed = await slipwayJson<OperationOutput<"deploy">>(
        ["deploy", `${model}@${second}`, "--reason", "fewer trees"],
        { cwd },
      );
      expect(deployed).toMatchObject({ version: second, previous: 1 });
      const after = await predict(server.predictions, model, { instances: [recordOf(5)] });
      expect(after.headers.get("x-slipway-version")).toBe(String(second));
      const back = await slipwayJson<OperationOutput<"rollback">>(["rollback", model], { cwd });
      expect(back.version).toBe(1);
      const again = await predict(server.predictions, model, { instances: [recordOf(5)] });
      expect(again.body).toEqual(before.body);
    } finally {
      await load.stop();
      await server.stop();
    }
    expect(load.acknowledged.length).toBeGreaterThan(50);
    expect({ refused: load.refused(), unanswered: load.unanswered() }).toEqual({ refused: 0, unanswered: 0 });
  });

  it("outlives its supervisor, and the next one takes over without a failed request", async () => {
    const cwd = project.path;
    const first = await slipwayUp({ cwd });
    const port = new URL(first.predictions).port;
    const load = startLoad(first.predictions, 4);
    try {
      first.process.kill("SIGKILL");
      await pause(500);
      expect((await predict(first.predictions, model, { instances: [recordOf(1)] })).status).toBe(200);
      const second = await slipwayUp({ cwd, args: ["--port", port] });
      await pause(500);
      await load.stop();
      expect((await predict(second.predictions, model, { instances: [recordOf(2)] })).status).toBe(200);
      expect(await second.stop()).toBe(0);
    } finally {
      await load.stop();
    }
    expect(load.acknowledged.length).toBeGreaterThan(50);
    expect({ refused: load.refused(), unanswered: load.unanswered() }).toEqual({ refused: 0, unanswered: 0 });
  });

  it("hands over to the next one without a failed request", async () => {
    const cwd = project.path;
    const first = await slipwayUp({ cwd });
    const port = new URL(first.predictions).port;
    const load = startLoad(first.predictions, 4);
    try {
      const ended = new Promise<number | null>((resolve) => first.process.once("exit", resolve));
      const second = await slipwayUp({ cwd, args: ["--port", port, "--takeover"] });
      expect(await ended).toBe(0);
      expect(first.output()).toContain("handed-over");
      await pause(500);
      await load.stop();
      const { processes } = await slipwayJson<OperationOutput<"status">>(["status"], { cwd });
      expect(processes.filter(({ role }) => role === "supervisor")).toMatchObject([
        { pid: second.process.pid },
      ]);
      expect(await second.stop()).toBe(0);
    } finally {
      await load.stop();
    }
    expect(load.acknowledged.length).toBeGreaterThan(50);
    expect({ refused: load.refused(), unanswered: load.unanswered() }).toEqual({ refused: 0, unanswered: 0 });
  });

  it("starts another worker under load, gives it its share of the connections, and stops it when the load is over", async () => {
    const cwd = project.path;
    const server = await slipwayUp({
      cwd,
      args: ["--max-workers", "2"],
      env: {
        SLIPWAY_SCALE_UP_CPU: "5",
        SLIPWAY_SCALE_UP_AFTER_MS: "500",
        SLIPWAY_SCALE_DOWN_CPU: "4",
        SLIPWAY_SCALE_DOWN_AFTER_MS: "1000",
      },
    });
    const scalings = () =>
      server
        .output()
        .split("\n")
        .filter((line) => line.includes('"scaling"'))
        .map((line) => JSON.parse(line) as { action: string; workers: number; reason: string });
    const load = startLoad(server.predictions, 16);
    try {
      await expect
        .poll(() => connectionsOfWorkers(cwd).filter((count) => count >= 5).length, { timeout: 120_000 })
        .toBe(2);
      expect(scalings()).toMatchObject([{ action: "started", workers: 2 }]);
      expect(scalings()[0]?.reason).toMatch(/of a core each for 0\.5 s \(limit 5 %\)/);
      await load.stop();
      await expect.poll(() => scalings().length, { timeout: 120_000 }).toBe(2);
      expect(scalings()[1]).toMatchObject({ action: "stopping", workers: 1 });
    } finally {
      await load.stop();
      await server.stop();
    }
    expect({ refused: load.refused(), unanswered: load.unanswered() }).toEqual({ refused: 0, unanswered: 0 });
  });

  it("starts from the last snapshot on disk when its database is gone, says so, and deploys again when it is back", async () => {
    const cwd = project.path;
    const database = join(cwd, ".slipway", "slipway.db");
    renameSync(database, `${database}.away`);
    const server = await slipwayUp({ cwd });
    try {
      expect(server.console).toBe("");
      expect(server.output()).toContain("THERE IS NO CONTROL PLANE");
      expect((await predict(server.predictions, model, { instances: [recordOf(4)] })).status).toBe(200);
      const refused = await slipway(["deploy", `${model}@1`, "--json"], { cwd });
      expect(errorOf(refused).code).toBe("APP_DATABASE_BEHIND");
      renameSync(`${database}.away`, database);
      await expect.poll(() => server.output(), { timeout: 120_000 }).toContain('"kind":"control-back"');
      const deployed = await slipwayJson<OperationOutput<"deploy">>(["deploy", `${model}@1`], { cwd });
      expect(deployed.takenUp).toMatchObject({ workers: 1, behind: [], problems: [] });
    } finally {
      await server.stop();
    }
    const unreachable = { SLIPWAY_DATABASE_URL: "postgres://nobody@127.0.0.1:1/nowhere" };
    const second = await slipwayUp({ cwd, env: unreachable });
    try {
      expect(second.output()).toContain("THERE IS NO CONTROL PLANE");
      expect((await predict(second.predictions, model, { instances: [recordOf(4)] })).status).toBe(200);
    } finally {
      await second.stop();
    }
  });

  it("brings back a worker that is killed", async () => {
    const cwd = project.path;
    const server = await slipwayUp({ cwd });
    try {
      const { processes } = await slipwayJson<OperationOutput<"status">>(["status"], { cwd });
      const worker = processes.find(({ role }) => role === "worker");
      process.kill(worker?.pid ?? 0, "SIGKILL");
      await expect
        .poll(
          async () =>
            (
              await predict(server.predictions, model, { instances: [recordOf(3)] }).catch(() => ({
                status: 0,
              }))
            ).status,
          { timeout: 60_000 },
        )
        .toBe(200);
      const { processes: now } = await slipwayJson<OperationOutput<"status">>(["status"], { cwd });
      expect(now.find(({ role }) => role === "worker")).toMatchObject({ restarts: 1 });
    } finally {
      await server.stop();
    }
  });
});
