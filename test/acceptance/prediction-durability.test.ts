import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { startPredictionServer } from "../../src/http/prediction-server.ts";
import { readPredictionLog, verifyLogChain } from "../../src/serving/index.ts";
import { openServingRoom } from "../../src/serving/testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../../src/serving/testing/small-bundle.ts";
import { killLoop } from "../kill-loop.ts";
import { mountTinyDisk } from "../tiny-disk.ts";

async function loggedIds(logDirectory: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { id } of readPredictionLog(logDirectory)) ids.add(id);
  return ids;
}

describe("an acknowledged prediction", () => {
  it("is in the log when the worker is killed", async () => {
    const { directory, blobs, logDirectory } = await openServingRoom();
    const bundle = await writeSmallBundle(blobs, { base: 0 });
    const script = fileURLToPath(new URL("../processes/predict-until-killed.ts", import.meta.url));
    const acknowledged: string[] = [];
    await killLoop({
      script,
      args: [directory, bundle],
      kills: 3,
      maxLifeMs: 300,
      afterKill: async (ids) => {
        acknowledged.push(...ids);
      },
    });
    expect(acknowledged.length).toBeGreaterThan(3);
    const logged = await loggedIds(logDirectory);
    expect(acknowledged.filter((id) => !logged.has(id))).toEqual([]);
    expect((await verifyLogChain(logDirectory)).broken).toEqual([]);
  });
});

describe("a full disk", () => {
  it("refuses predictions with 507 and loses none; serving goes on when there is space", async (context) => {
    const disk = mountTinyDisk(512);
    if (disk === undefined) return context.skip();
    onTestFinished(() => disk.unmount());
    const room = await openServingRoom();
    const logDirectory = join(disk.path, "log");
    const dataPlane = room.another({ logDirectory });
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(room.blobs, { base: 0 })]));
    const server = await startPredictionServer({ dataPlane, listen: { host: "127.0.0.1", port: 0 } });
    onTestFinished(() => server.close({ drainMs: 0, graceMs: 0 }));
    const acknowledged: string[] = [];
    const predict = async () => {
      const body = JSON.stringify({ instances: [{ ...FLIGHT, note: "x".repeat(1_500) }] });
      const answer = await fetch(`${server.address}/v1/models/late:predict`, { method: "POST", body });
      const document = (await answer.json()) as { code?: string };
      const id = answer.headers.get("x-slipway-prediction-id");
      if (id !== null) acknowledged.push(id);
      return { status: answer.status, code: document.code };
    };
    const filler = join(disk.path, "filler");
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 100_000));

    const whileFull: number[] = [];
    for (let i = 0; i < 40; i++) {
      const answers = await Promise.all(Array.from({ length: 5 }, predict));
      whileFull.push(...answers.map(({ status }) => status));
      if (answers.every(({ status }) => status === 507)) break;
    }
    expect(new Set(whileFull)).toEqual(new Set([200, 507]));
    expect(await predict()).toEqual({ status: 507, code: "SERVING_LOG_FULL" });
    expect((await fetch(`${server.address}/livez`)).status).toBe(200);

    rmSync(filler);
    for (let i = 0; i < 10; i++) expect((await predict()).status).toBe(200);

    const logged = await loggedIds(logDirectory);
    expect(acknowledged.filter((id) => !logged.has(id))).toEqual([]);
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    expect((await verifyLogChain(logDirectory)).broken).toEqual([]);
    await dataPlane.close();
  });
});
