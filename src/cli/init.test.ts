import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { runInProcess } from "./testing/run-in-process.ts";
import { runSlipway } from "./testing/run-slipway.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "slipway-init-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

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

describe("slipway init", () => {
  const ROWS = Array.from(
    { length: 60 },
    (_, row) => `${row % 7},${row % 2 ? "yes" : "no"},${(row * 13) % 31}`,
  );
  const write = (folder: string, name: string, lines: readonly string[]): string => {
    const path = join(folder, name);
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  };
  const init = (folder: string, ...args: string[]) =>
    runInProcess(["init", join(folder, "project"), ...args]);
  const leftBehind = (folder: string): string[] =>
    readdirSync(folder).filter((name) => !name.endsWith(".csv"));

  it("says what it wrote, what it will not use, and what comes next", async () => {
    const folder = temporaryFolder();
    const file = write(folder, "orders.csv", [
      "id,size,paid,amount",
      ...ROWS.map((row, index) => `${index + 1},${row}`),
    ]);
    const { code, stdout, stderr } = await init(folder, "--from", file, "--target", "paid");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/wrote .*slipway\.config\.ts/);
    expect(stdout).toContain('Is paid "yes"?');
    expect(stdout).toContain("id is not used: a number of the row");
    expect(stdout).toMatch(/Next:\n {2}cd .*project\n {2}(?:npx )?slipway train\n {2}(?:npx )?slipway up\n$/);
    expect(readFileSync(join(folder, "project", ".gitignore"), "utf8")).toBe(".slipway/\n");
  });

  it("overwrites a configuration only when told to", async () => {
    const folder = temporaryFolder();
    const file = write(folder, "a.csv", ["size,paid,amount", ...ROWS]);
    const config = join(folder, "project", "slipway.config.ts");
    await init(folder, "--from", file, "--target", "paid");
    writeFileSync(config, "mine");
    const refused = await init(folder, "--from", file, "--target", "paid");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/CLI_PROJECT_EXISTS[\s\S]*--force/),
    ]);
    expect(readFileSync(config, "utf8")).toBe("mine");
    expect((await init(folder, "--from", file, "--target", "paid", "--force")).code).toBe(0);
    expect(readFileSync(config, "utf8")).toContain("dataset(");
  });

  it("leaves a .gitignore, package.json and tsconfig.json that exist as they are", async () => {
    const folder = temporaryFolder();
    const file = write(folder, "a.csv", ["size,paid,amount", ...ROWS]);
    writeFileSync(join(folder, "package.json"), "{}");
    writeFileSync(join(folder, "tsconfig.json"), "{}");
    const { stdout } = await runInProcess(["init", folder, "--from", file, "--target", "paid", "--json"]);
    expect(JSON.parse(stdout).files).toEqual(["slipway.config.ts", ".gitignore"]);
    writeFileSync(join(folder, ".gitignore"), "node_modules\n/.slipway");
    const again = await runInProcess([
      "init",
      folder,
      "--from",
      file,
      "--target",
      "paid",
      "--json",
      "--force",
    ]);
    expect(JSON.parse(again.stdout).files).toEqual(["slipway.config.ts"]);
  });

  it.each([
    [
      "a target that is not there",
      ["size,paid", ...ROWS.map((row) => row.slice(0, row.lastIndexOf(",")))],
      "Paid?",
      /no column "Paid\?"[\s\S]*did you mean "paid"\?/,
    ],
    [
      "a constant target",
      ["size,paid", ...ROWS.map((_, row) => `${row},yes`)],
      "paid",
      /"yes" in all 60 rows/,
    ],
    [
      "gaps in the target",
      ["size,paid", "1,yes", "2,", "3,no", "4,"],
      "paid",
      /missing in 2 of 4 rows, first in line 3 of .*a\.csv/,
    ],
    ["an empty file", [], "paid", /DATASETS_EMPTY_FILE/],
    ["a header alone", ["size,paid"], "paid", /DATASETS_NO_ROWS/],
    ["a ragged row", ["size,paid", "1,yes", "2,no,3"], "paid", /DATASETS_RAGGED_ROW[\s\S]*line 3/],
    ["two columns of one name", ["paid,paid", "1,2"], "paid", /DATASETS_DUPLICATE_COLUMN/],
  ])("refuses %s and writes nothing", async (_what, lines, target, message) => {
    const folder = temporaryFolder();
    const file = write(folder, "a.csv", lines);
    const { code, stdout, stderr } = await init(folder, "--from", file, "--target", target);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(leftBehind(folder)).toEqual([]);
  });

  it("asks for what was not said", async () => {
    const folder = temporaryFolder();
    const file = write(folder, "a.csv", ["size,paid,amount", ...ROWS]);
    expect((await init(folder)).stderr).toContain("--from <file> is missing");
    expect((await init(folder, "--from", file)).stderr).toContain("the columns are size, paid, amount");
    expect((await init(folder, "--from", join(folder, "b.csv"), "--target", "paid")).stderr).toMatch(
      /CLI_NO_SOURCE[\s\S]*did you mean .*a\.csv\?/,
    );
    expect((await init(folder, "--from", file, "--target", "paid", "--name", "my model")).stderr).toContain(
      "CLI_BAD_NAME",
    );
    expect(leftBehind(folder)).toEqual([]);
  });
});
