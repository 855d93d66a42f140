import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runInProcess } from "./testing/run-in-process.ts";

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "slipway-init-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

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
