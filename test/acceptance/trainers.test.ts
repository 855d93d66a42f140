import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { predict, slipwayJson, slipwayUp } from "./command.ts";
import { bundleFilePath, goodRecord, type SmallProject, smallProject } from "./small-project.ts";

describe("a linear model, from the data to its replayed predictions", () => {
  let project: SmallProject;
  let trained: OperationOutput<"train">;

  beforeAll(async () => {
    project = smallProject("ftrl");
    writeFileSync(
      project.config,
      project.goodConfig
        .replace("gbdt, model", "ftrl, model")
        .replace("site: c.site,", "site: c.site.hashed(1_048_576),")
        .replace("gbdt({ trees: 5, leaves: 4 })", "ftrl({ epochs: 3 })"),
    );
    trained = await slipwayJson<OperationOutput<"train">>(["train"], { cwd: project.path });
  });
  afterAll(() => project.remove());

  it("is registered with what it learned from, its file as small as its weights are few", async () => {
    expect(trained).toMatchObject({ status: "accepted", champion: true, task: "binary" });
    expect(trained.summary).toMatch(/^\d+ of 1,048,583 weights, 3 passes, progressive logLoss 0\.\d+$/);
    expect(trained.importance.map(({ feature }) => feature).sort()).toEqual([
      "hour",
      "position",
      "price",
      "site",
    ]);
    const state = join(project.path, ".slipway");
    expect(readFileSync(bundleFilePath(state, trained.bundle, "model")).length).toBeLessThan(1000);
  });

  it("is reproduced, digest for digest", async () => {
    const verdict = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "clicked@1"], {
      cwd: project.path,
    });
    expect(verdict).toMatchObject({ verdict: "identical", differences: [] });
  });

  it("answers as a batch and one by one with the same bits, and every answer is replayed", async () => {
    const cwd = project.path;
    const server = await slipwayUp({ cwd });
    try {
      const answer = await predict(server.predictions, "clicked", { instances: [goodRecord, goodRecord] });
      expect(answer.status).toBe(200);
      const rows = join(cwd, "rows.ndjson");
      const out = join(cwd, "predicted.ndjson");
      writeFileSync(rows, `${JSON.stringify(goodRecord)}\n`);
      await slipwayJson(["predict", "clicked", "--file", rows, "--out", out], { cwd });
      const { prediction } = JSON.parse(readFileSync(out, "utf8"));
      expect(answer.body).toEqual({ predictions: [prediction, prediction] });
      const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
      expect(replayed).toMatchObject({ predictions: 2, identical: 2, different: 0, unavailable: 0 });
    } finally {
      await server.stop();
    }
  });
});
