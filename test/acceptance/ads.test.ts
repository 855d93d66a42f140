import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { sharedData } from "../shared-data.ts";
import { predict, repository, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";

/** examples/ads, as its reader would run it. */
const folder = scratchFolder("ads");
const bucket = join(folder.path, "bucket");
const archive = sharedData("upworthy/upworthy_packages.csv");

beforeAll(() => {
  cpSync(join(repository, "examples/ads/slipway.config.ts"), join(folder.path, "slipway.config.ts"));
  generate(bucket);
});
afterAll(() => folder.remove());

function generate(out: string): string {
  const script = join(repository, "examples/ads/generate.ts");
  return execFileSync(process.execPath, [script, "--out", out, "--impressions", "12000"], {
    encoding: "utf8",
  });
}

describe("the agency's bucket", () => {
  it("is the same for the same seed, and says when tastes change", () => {
    const again = join(folder.path, "again");
    expect(generate(again)).toContain("tastes change on 2026-04-10");
    for (const file of [
      "campaigns.csv",
      "impressions/2026-03-01.csv",
      "later/2026-04-10.csv",
      "creatives/campaign-01-1.png",
    ])
      expect(readFileSync(join(again, file))).toEqual(readFileSync(join(bucket, file)));
    expect(readdirSync(join(again, "impressions"))).toHaveLength(40);
  });

  it("trains a model that has learned from the banners, and serves it", async () => {
    const options = { cwd: folder.path };
    const trained = await slipwayJson<OperationOutput<"train">>(["train", "click"], options);
    expect(trained).toMatchObject({ version: 1, status: "accepted" });
    const learned = trained.importance.map(({ feature }) => feature);
    expect(learned.slice(0, 5).some((name) => ["red", "blue", "brightness", "contrast"].includes(name))).toBe(
      true,
    );
    const server = await slipwayUp(options);
    try {
      const record = (creative: string) => ({
        time: "2026-04-09T20:00:00Z",
        campaign: creative.slice(0, 11),
        vertical: "travel",
        creative,
        banner: { b64: readFileSync(join(bucket, "creatives", `${creative}.png`)).toString("base64") },
        headline: "Free delivery today",
        device: "phone",
        position: 1,
      });
      const instances = ["campaign-01-1", "campaign-01-2", "campaign-01-3"].map(record);
      const { status, body } = await predict(server.predictions, "click", { instances });
      expect(status, JSON.stringify(body)).toBe(200);
      expect(new Set(body.predictions as number[]).size).toBeGreaterThan(1);
      const broken = { ...record("campaign-01-1"), banner: "iVBORw0KGgo=" };
      expect(await predict(server.predictions, "click", { instances: [broken] })).toMatchObject({
        status: 400,
      });
      const replayed = await slipway(["replay", "--all"], options);
      expect(replayed.code, replayed.stdout + replayed.stderr).toBe(0);
    } finally {
      await server.stop();
    }
  });

  it.skipIf(archive === undefined)("has room for real headline tests", async () => {
    const options = { cwd: folder.path, env: { UPWORTHY: archive ?? "" } };
    const trained = await slipwayJson<OperationOutput<"train">>(["train", "clickRate"], options);
    expect(trained).toMatchObject({ status: "accepted", task: "regression" });
  });
});
