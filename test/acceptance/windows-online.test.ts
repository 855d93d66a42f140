import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { PinnedConnections } from "../soak/pinned-connections.ts";
import { type RunningServer, slipway, slipwayJson, slipwayUp } from "./command.ts";
import { type SmallProject, smallProject } from "./small-project.ts";

const HOUR = 3_600_000;

let project: SmallProject;
let server: RunningServer;
let connections: PinnedConnections;
let events = 0;

beforeAll(async () => {
  project = smallProject("windows-online");
  const config = project.goodConfig.replace(
    "features: (c) => ({",
    `features: (c, past) => ({
    seen: past.rows.count({ by: c.site, over: "365d" }),
    rate: past.target.rate({ by: c.site, over: "365d", knownAfter: "1h" }),`,
  );
  writeFileSync(project.config, config);
  await slipwayJson(["train"], { cwd: project.path });
  server = await slipwayUp({ cwd: project.path, args: ["--workers", "2", "--max-workers", "2"] });
  connections = new PinnedConnections(server.predictions, 2);
});
afterAll(async () => {
  connections.close();
  await server.stop();
  project.remove();
});

const impression = (hour: number, site = "maps") => ({
  at: new Date(1_700_100_000_000 + hour * HOUR).toISOString(),
  site,
  price: 2.5,
  position: 1,
});

async function ask(turn: number, hour: number): Promise<{ id: string; sequence: number }> {
  const { status, headers } = await connections.ask(turn, "/v1/models/clicked:predict", {
    instances: [impression(hour)],
  });
  expect(status).toBe(200);
  return {
    id: String(headers["x-slipway-prediction-id"]),
    sequence: Number(headers["x-slipway-stream-sequence"]),
  };
}

async function stateOf(turn: number): Promise<{ sequence: number; ageMs: number }> {
  return (await connections.ask(turn, "/v1/stream")).body;
}

const controlPid = (): number =>
  (JSON.parse(readFileSync(join(project.path, ".slipway/control.json"), "utf8")) as { pid: number }).pid;

describe("features over past rows, in a running server", () => {
  it("see what another worker was asked, and what was said of it", async () => {
    const { id, sequence } = await ask(0, 0);
    expect(sequence).toBe(0);
    const said = await slipway(["feedback", id, "--value", "true"], { cwd: project.path });
    expect(said).toMatchObject({ code: 0, stdout: "accepted\n" });
    events = 2;
    await connections.waitForSequence(events);
    expect((await ask(1, 2)).sequence).toBe(events);
    events++;
    await connections.waitForSequence(events);
    const { stream } = await slipwayJson<OperationOutput<"status">>(["status"], { cwd: project.path });
    expect(stream?.problem).toBeUndefined();
  });

  it("stay as they are while there is no control plane, say how old they are, and catch up", async () => {
    const pid = controlPid();
    process.kill(pid, "SIGSTOP");
    try {
      const { id, sequence } = await ask(0, 3);
      expect(sequence).toBe(events);
      const { body } = await connections.ask(1, "/v1/feedback", { predictionId: id, value: false });
      expect(body.outcome).toBe("accepted");
      await expect.poll(async () => (await stateOf(0)).ageMs, { timeout: 60_000 }).toBeGreaterThan(1_500);
      expect((await stateOf(0)).sequence).toBe(events);
      expect((await ask(1, 4)).sequence).toBe(events);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    events += 3;
    await connections.waitForSequence(events);
    await expect.poll(async () => (await stateOf(0)).ageMs, { timeout: 60_000 }).toBeLessThan(1_500);
  });

  it("are the same after a restart, and in a replay that computes them anew", async () => {
    connections.close();
    await server.stop();
    server = await slipwayUp({ cwd: project.path, args: ["--workers", "2", "--max-workers", "2"] });
    connections = new PinnedConnections(server.predictions, 2);
    expect((await ask(0, 5)).sequence).toBe(events);
    events++;
    await connections.waitForSequence(events);
    const replayed = await slipwayJson<OperationOutput<"replay">>(
      ["replay", "--all", "--recompute-windows"],
      { cwd: project.path },
    );
    expect(replayed).toMatchObject({
      predictions: 5,
      identical: 5,
      windows: { recomputed: 5, unavailable: 0 },
    });
  });
});
