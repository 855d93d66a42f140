import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSlipway } from "../../src/cli/testing/run-slipway.ts";
import { sharedData } from "../shared-data.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

const SETS = [
  { name: "telco-churn", file: "telco-churn/Telco-Customer-Churn.csv", target: "Churn", model: "churn" },
  {
    name: "adult-census",
    file: "adult-census/AdultCensusIncomeOriginal.csv",
    target: "income",
    model: "income",
  },
  {
    name: "california-housing",
    file: "california-housing/housing.csv",
    target: "median_house_value",
    model: "medianHouseValue",
  },
  { name: "upworthy", file: "upworthy/upworthy_packages.csv", target: "winner", model: "winner" },
] as const;

const available = SETS.flatMap((set) => {
  const path = sharedData(set.file);
  return path === undefined ? [] : [{ ...set, path }];
});

describe.skipIf(available.length === 0)("slipway init on real data", () => {
  let folder = "";
  const configs = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "slipway-init-real-"));
    const runs = available.map(async ({ name, path, target }) => ({
      name,
      ...(await runSlipway(["init", name, "--from", path, "--target", target, "--json"], { cwd: folder })),
    }));
    for (const { name, code, stdout, stderr } of await Promise.all(runs)) {
      expect([name, code], stderr).toEqual([name, 0]);
      expect(JSON.parse(stdout)).toMatchObject({
        files: ["slipway.config.ts", ".gitignore", "package.json", "tsconfig.json"],
      });
      configs.set(name, readFileSync(join(folder, name, "slipway.config.ts"), "utf8"));
    }
  }, 60_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("writes configurations that type-check", async () => {
    const tsconfig = {
      extends: join(repository, "tsconfig.json"),
      compilerOptions: {
        rootDir: "/",
        typeRoots: [join(repository, "node_modules/@types")],
        paths: { slipway: [join(repository, "src/project/index.ts")] },
      },
      include: ["*/slipway.config.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
    const tsc = join(repository, "node_modules/typescript/bin/tsc");
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", folder]);
    expect(stdout).toBe("");
  });

  it("writes configurations that load", async () => {
    const listed = available.map(async ({ name, model }) => {
      const { code, stdout, stderr } = await runSlipway(["models", "--json"], { cwd: join(folder, name) });
      expect([code, stderr]).toEqual([0, ""]);
      return [model, JSON.parse(stdout).models.map((each: { name: string }) => each.name)];
    });
    for (const [model, names] of await Promise.all(listed)) expect(names).toEqual([model]);
  }, 30_000);

  it.runIf(available.some(({ name }) => name === "telco-churn"))(
    "knows an id and a yes among telco-churn's columns",
    () => {
      const config = configs.get("telco-churn");
      expect(config).toContain("// customerID is left out: a name of the row");
      expect(config).toContain('row.Churn.is("Yes")');
      expect(config).toContain('TotalCharges: "float", // 11 missing');
      expect(config).toMatch(/source: csv\("(\.\.\/)+.*Telco-Customer-Churn\.csv"\)/);
    },
  );

  it.runIf(available.some(({ name }) => name === "adult-census"))(
    "reads adult-census without its blanks and question marks",
    () => {
      const config = configs.get("adult-census");
      expect(config).toContain('{ nullValues: ["?"], trim: true }');
      expect(config).toContain('row.income.is(">50K")');
      expect(config).toContain('slices: ["relationship", "sex"]');
    },
  );

  it.runIf(available.some(({ name }) => name === "california-housing"))(
    "makes a regression of california-housing",
    () => {
      const config = configs.get("california-housing");
      expect(config).toContain("target: (row) => row.median_house_value,");
      expect(config).toContain('notWorseThanChampion("rmse", { margin: 1000 })');
    },
  );

  it.runIf(available.some(({ name }) => name === "upworthy"))(
    "turns upworthy's texts into features and keeps its tests together",
    () => {
      const config = configs.get("upworthy");
      expect(config).toContain("headlineWords: c.headline.wordsHashed(64)");
      expect(config).toContain('byHash({ key: "clickability_test_id"');
    },
  );
});
