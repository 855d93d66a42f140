import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "../soak/project.ts";
import { predict, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";

type LogStatus = OperationOutput<"log.status">;

let project: SoakProject;

beforeAll(async () => {
  project = writeProject(2_000);
  await trainChampion(project);
});
afterAll(() => project.remove());

const COMPACTED_SOON = { SLIPWAY_LOG_SEGMENT: "64KiB", SLIPWAY_LOG_SEGMENT_MS: "1000" };

const segmentsIn = (cwd: string): string[] =>
  readdirSync(join(cwd, ".slipway/log")).filter((name) => name.endsWith(".seg"));

describe("the compacted prediction log", () => {
  it("is queried, replayed, spoken about and backed up as if nothing had happened", {
    timeout: 120_000,
  }, async () => {
    const cwd = project.path;
    const server = await slipwayUp({ cwd, env: COMPACTED_SOON });
    const ids: string[] = [];
    try {
      for (let request = 0; request < 400; request++) {
        const instances = Array.from({ length: 1 + (request % 3) }, (_, at) => recordOf(request * 3 + at));
        const answer = await predict(server.predictions, model, { instances });
        expect(answer.status).toBe(200);
        ids.push(answer.headers.get("x-slipway-prediction-id") ?? "");
      }
      const [first = ""] = ids;
      const instances = ids.reduce((sum, _, request) => sum + 1 + (request % 3), 0);
      const inFirst = segmentsIn(cwd)[0];
      // The oldest segment has become Parquet and is gone.
      await expect
        .poll(
          async () => {
            const { compacted } = await slipwayJson<LogStatus>(["log", "status"], { cwd });
            return compacted.predictions > 0 && !segmentsIn(cwd).includes(inFirst ?? "");
          },
          { timeout: 60_000, interval: 500 },
        )
        .toBe(true);

      const counted = await slipwayJson<OperationOutput<"log.query">>(
        [
          "log",
          "query",
          "SELECT count(*)::INT, count(DISTINCT id)::INT, count(DISTINCT request_id)::INT FROM predictions",
        ],
        { cwd },
      );
      expect(counted.rows).toEqual([[instances, instances, ids.length]]);

      const all = await slipwayJson<OperationOutput<"replay">>(["replay", "--since", "1h", "--all"], { cwd });
      expect(all).toMatchObject({ predictions: instances, identical: instances });
      const one = await slipwayJson<OperationOutput<"replay">>(["replay", first], { cwd });
      expect(one).toMatchObject({ predictions: 1, identical: 1 });

      const said = await fetch(`${server.predictions}/v1/feedback`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ predictionId: first, value: 1 }),
      });
      expect({ status: said.status, text: said.ok ? "" : await said.text() }).toEqual({
        status: 200,
        text: "",
      });
      const shown = await slipwayJson<OperationOutput<"feedback.show">>(["feedback", "show", first], { cwd });
      expect(shown.prediction).toMatchObject({ model, instances: 1 });

      const elsewhere = scratchFolder("log-backup");
      try {
        const file = join(elsewhere.path, "all.backup");
        await slipwayJson(["backup", "--out", file], { cwd });
        const state = { SLIPWAY_STATE_DIR: join(elsewhere.path, "state") };
        await slipwayJson(["restore", file], { cwd, env: state });
        const restored = await slipwayJson<OperationOutput<"replay">>(["replay", "--since", "1h", "--all"], {
          cwd,
          env: state,
        });
        expect(restored).toMatchObject({ predictions: instances, identical: instances });
      } finally {
        elsewhere.remove();
      }
      expect((await slipwayJson<OperationOutput<"gc">>(["gc", "--dry-run"], { cwd })).removed.blobs).toBe(0);
    } finally {
      await server.stop();
    }
    const table = await slipway(["log", "query", "SELECT model, count(*) AS n FROM predictions GROUP BY 1"], {
      cwd,
    });
    expect({ code: table.code, errors: table.stderr }).toEqual({ code: 0, errors: "" });
    expect(table.stdout).toMatch(/model +n\nclicked +\d+\n/);
    const refused = await slipway(["log", "query", "SELECT * FROM read_text('/etc/passwd')"], { cwd });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("COMPACTION_BAD_QUERY");
  });
});
