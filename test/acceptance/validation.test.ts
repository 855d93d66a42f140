import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { errorOf, slipway, slipwayJson } from "./command.ts";
import { type SmallProject, smallProject, whatIsKept } from "./small-project.ts";

const CHECKS = `  checks: {
    rows: { min: 100 },
    unexpectedColumns: {},
    key: { columns: ["at"] },
    columns: {
      site: { domain: { values: ["news", "mail", "games"] }, missing: { maxShare: 0 }, drift: { lInfinity: 0.3 } },
      price: { range: { min: 0, max: 10 } }, // cents are no prices
    },
  },
`;

type Validation = OperationOutput<"data.validate">;
type Run = OperationOutput<"runs.show">;

describe("validation", () => {
  let project: SmallProject;
  const at = () => ({ cwd: project.path, env: { TMPDIR: project.temporary } });
  const lastRun = async (): Promise<Run> => {
    const { runs } = await slipwayJson<OperationOutput<"runs.list">>(["runs"], at());
    return await slipwayJson<Run>(["runs", "show", runs[0]?.id ?? ""], at());
  };

  beforeAll(() => {
    project = smallProject("validation");
    writeFileSync(project.config, project.goodConfig.replace('  time: "at",\n', `  time: "at",\n${CHECKS}`));
  });
  afterAll(() => project.remove());

  it("lets a run pass that keeps the limits", async () => {
    const trained = await slipwayJson<OperationOutput<"train">>(["train"], at());
    expect(trained.validation).toEqual({ checks: 7, errors: 0, warnings: 0, unjudged: 1 });
    const { steps } = await lastRun();
    expect(steps.map(({ name }) => name).slice(0, 3)).toEqual(["snapshot", "validate", "features"]);
    expect(steps[1]).toMatchObject({ state: "finished", detail: "7 checks: 1 not judged" });
  });

  it("stops a run with an error before it learns anything, and says which lines are wrong", async () => {
    const lines = project.goodData.split("\n").with(7, "2023-11-14T22:19:20.000Z,shop,-3,2,0");
    writeFileSync(project.data, lines.join("\n"));
    const refused = await slipway(["train", "--json"], at());
    expect(refused.code).toBe(2);
    const error = errorOf(refused);
    expect(error).toMatchObject({
      code: "DATASETS_LIMITS_BROKEN",
      details: {
        dataset: "ads",
        anomalies: [
          { kind: "outside-domain", column: "site" },
          { kind: "below-minimum", column: "price" },
        ],
      },
    });
    expect(error.message).toContain('first "shop" in ads.csv, line 8');
    expect((await whatIsKept(project)).versions).toHaveLength(1);
    const run = await lastRun();
    expect(run).toMatchObject({ state: "failed", version: null });
    expect(run.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "snapshot finished",
      "validate failed",
    ]);
    expect(run.steps[1]?.notes).toHaveLength(2);
    const shown = await slipwayJson<OperationOutput<"data.show">>(["data", "show", "ads"], at());
    expect(shown.validation).toMatchObject({ checks: 7, errors: 2, warnings: 0 });
  });

  it("judges a snapshot again, and takes on the limits that somebody accepts", async () => {
    const broken = await slipway(["data", "validate", "ads"], at());
    expect(broken.code).toBe(1);
    expect(broken.stdout).toContain("outside-domain");
    expect(broken.stdout).toContain(
      'to accept: checks.columns.site.domain.values: ["news","mail","games","shop"]',
    );
    const wrong = await slipway(["data", "validate", "ads", "--accept", "3", "--json"], at());
    expect(errorOf(wrong).code).toBe("APP_NO_SUCH_ANOMALY");

    const accepted = await slipwayJson<Validation>(["data", "validate", "ads", "--accept", "1,2"], at());
    expect(accepted.accepted).toMatchObject({ file: "slipway.config.ts", applied: true, changes: 2 });
    const config = readFileSync(project.config, "utf8");
    expect(config).toContain('domain: { values: ["news", "mail", "games", "shop"] }');
    expect(config).toContain("range: { min: -3, max: 10 } }, // cents are no prices");
    const again = await slipwayJson<Validation>(["data", "validate", "ads"], at());
    expect(again).toMatchObject({ errors: 0, warnings: 0, accepted: null });
    expect(again.comparedWith?.role).toBe("previous");
    await slipwayJson(["train"], at());
  });

  it("keeps the warnings of a run, and says them", async () => {
    const header = "at,site,price,position,clicked";
    const data = project.goodData
      .replace(header, `${header},comment`)
      .replaceAll(/,(mail|games),/g, ",news,");
    writeFileSync(project.data, data.replaceAll(/(\d)$/gm, "$1,x"));
    const { code, stdout, stderr } = await slipway(["train"], at());
    expect(code).toBe(0);
    expect(stdout).toContain("7 checks: 2 warnings");
    expect(stderr).toContain("warning: comment: a column of this name");
    expect(stderr).toMatch(/warning: site: L∞ 0\.6\d* \(over all values\); expected L∞ of at most 0\.3/);
    const { steps } = await lastRun();
    expect(steps[1]).toMatchObject({ name: "validate", state: "finished", detail: "7 checks: 2 warnings" });
    expect(steps[1]?.notes).toHaveLength(2);
    const text = await slipway(["runs", "show", (await lastRun()).id], at());
    expect(text.stdout).toContain("validate warning: comment");
  });

  it("compares rows that are predicted for with those that were trained on", async () => {
    writeFileSync(
      `${project.path}/requests.csv`,
      `at,site,price,position\n${"2023-11-15T00:00:00Z,mail,30,1\n".repeat(20)}`,
    );
    const config = readFileSync(project.config, "utf8")
      .replace("drift: {", "skew: { jensenShannon: 0.5 }, drift: {")
      .concat(
        `export const requests = dataset({ source: csv("requests.csv"), columns: { at: "timestamp", site: "category", price: "float", position: "int" } });\n`,
      );
    writeFileSync(project.config, config);
    await slipwayJson(["data", "add", "requests"], at());
    const { code, stdout } = await slipway(
      ["data", "validate", "requests", "--training", "ads", "--json"],
      at(),
    );
    expect(code).toBe(1);
    const report = JSON.parse(stdout) as Validation;
    expect(report.comparedWith).toMatchObject({ role: "training", dataset: "ads" });
    expect(report.anomalies.map(({ kind, column, severity }) => [kind, column, severity])).toEqual([
      ["skew", "site", "warning"],
      ["above-maximum", "price", "error"],
    ]);
    expect(report.anomalies[0]?.distance).toMatchObject({
      measure: "jensen-shannon",
      value: 1,
      convention: "distance to base 2 over all values",
    });
  });
});
