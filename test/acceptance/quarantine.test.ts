import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { errorOf, slipway, slipwayJson } from "./command.ts";
import { smallProject } from "./small-project.ts";

const project = smallProject("quarantine");
const options = { cwd: project.path, env: { TMPDIR: project.temporary } };
afterAll(project.remove);

interface Added {
  readonly snapshots: readonly {
    readonly digest: string;
    readonly rejected: number;
    readonly rowCount: number;
  }[];
}

it("leaves bad rows out up to a share, says which, and trains on the others", async () => {
  const clean = await slipwayJson<Added>(["data", "add"], options);
  const lines = project.goodData.split("\n");
  writeFileSync(
    project.data,
    lines.toSpliced(50, 0, "2023-11-15T03:12:20Z,mail", "soon,mail,1,1,0").join("\n"),
  );
  writeFileSync(
    project.config,
    project.goodConfig.replace('time: "at",', 'time: "at",\n  onBadRow: "quarantine",'),
  );
  const trained = await slipway(["train"], options);
  expect(trained, trained.stderr).toMatchObject({ code: 0 });
  const log = await slipwayJson<Added>(["data", "log"], options);
  expect(log.snapshots).toMatchObject([{ rejected: 2, digest: clean.snapshots[0]?.digest }]);

  const shown = await slipway(["data", "show", "ads"], options);
  expect(shown.stdout).toMatch(/rejected +2: 1 DATASETS_RAGGED_ROW, 1 DATASETS_BAD_CELL in at/);
  const rejects = await slipway(["data", "rejects", "ads"], options);
  expect(rejects.stdout).toContain("2 of 302 rows rejected");
  expect(rejects.stdout).toMatch(/ads\.csv +51 .* 2 fields where the header has 5/);
  expect(rejects.stdout).toMatch(/ads\.csv +52 +at +"soon" +is not a time \(ISO 8601\)/);
  const out = join(project.path, "rejects.ndjson");
  await slipwayJson(["data", "rejects", "ads", "--out", out], options);
  const written = readFileSync(out, "utf8").trim().split("\n");
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { file: "ads.csv", line: 51, raw: "2023-11-15T03:12:20Z,mail" },
    { line: 52, column: "at", value: "soon" },
  ]);

  writeFileSync(project.data, lines.map((line, index) => (index % 50 === 9 ? `${line},1` : line)).join("\n"));
  const refused = await slipway(["data", "add", "--json"], options);
  expect(refused.code).toBe(2);
  expect(errorOf(refused)).toMatchObject({
    code: "DATASETS_TOO_MANY_BAD_ROWS",
    message: expect.stringContaining(
      "6 of 300 rows are bad, more than the 1 % that may be: ads.csv, line 10",
    ),
  });
});
