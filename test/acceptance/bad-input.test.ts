import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sharedData } from "../shared-data.ts";
import { type ErrorForPrograms, errorOf, slipway, slipwayJson } from "./command.ts";
import { type Kept, smallProject, whatIsKept } from "./small-project.ts";

/** A project with a champion, so that everything bad has something it could spoil. */
const project = smallProject("bad-input");
const cwd = project.path;
const options = { cwd, env: { TMPDIR: project.temporary } };
let before: Kept;

beforeAll(async () => {
  await slipwayJson(["train"], options);
});
beforeEach(async () => {
  writeFileSync(project.data, project.goodData);
  writeFileSync(project.config, project.goodConfig);
  before = await whatIsKept(project);
});
afterAll(project.remove);

async function refused(
  args: readonly string[],
  expected: { readonly exit: number; readonly code: string; readonly says: readonly string[] },
): Promise<ErrorForPrograms> {
  const finished = await slipway([...args, "--json"], options);
  expect(finished, finished.stderr).toMatchObject({ code: expected.exit });
  const error = errorOf(finished);
  expect(error.code).toBe(expected.code);
  for (const part of expected.says) expect(error.message).toContain(part);
  return error;
}

const lines = project.goodData.split("\n");
const withLine = (number: number, text: string): string => lines.with(number - 1, text).join("\n");
const mapRows = (change: (row: string, line: number) => string): string =>
  lines.map((row, index) => (index === 0 || row === "" ? row : change(row, index + 1))).join("\n");

describe("a file that is not what was declared", () => {
  const cases = [
    { title: "is empty", text: "", code: "DATASETS_EMPTY_FILE", says: ["ads.csv", "empty"] },
    { title: "has a header only", text: `${lines[0]}\n`, code: "DATASETS_NO_ROWS", says: ["ads.csv"] },
    {
      title: "has a row with too few fields",
      text: withLine(7, "2023-11-15T03:12:20Z,mail"),
      code: "DATASETS_RAGGED_ROW",
      says: ["ads.csv", "line 7", "2 fields", "5"],
    },
    {
      title: "has a row with too many fields",
      text: withLine(200, `${lines[199]},1`),
      code: "DATASETS_RAGGED_ROW",
      says: ["ads.csv", "line 200", "6 fields", "5"],
    },
    {
      title: "has two columns of one name",
      text: withLine(1, "at,site,site,position,clicked"),
      code: "DATASETS_DUPLICATE_COLUMN",
      says: ["ads.csv", "line 1", "columns 2 and 3", '"site"'],
    },
    {
      title: "lacks the target",
      text: withLine(1, "at,site,price,position,klicked"),
      code: "DATASETS_MISSING_COLUMN",
      says: ["ads.csv", '"clicked"', 'did you mean "klicked"?'],
    },
  ];
  for (const { title, text, code, says } of cases) {
    it(`${title}: ${code}, from train and from init`, async () => {
      writeFileSync(project.data, text);
      await refused(["train"], { exit: 2, code, says });
      expect(await whatIsKept(project)).toEqual(before);
      const initCode = code === "DATASETS_MISSING_COLUMN" ? "CLI_NO_SUCH_COLUMN" : code;
      await refused(["init", "fresh", "--from", "ads.csv", "--target", "clicked"], {
        exit: 2,
        code: initCode,
        says: initCode === code ? says : ['"clicked"'],
      });
      expect(existsSync(join(cwd, "fresh"))).toBe(false);
      expect(await whatIsKept(project)).toEqual(before);
    });
  }

  it("changes the type of a column half-way: the cell is named", async () => {
    writeFileSync(
      project.data,
      mapRows((row, line) => (line > 150 ? row.replace(/,[\d.]+,(\d),(\d)$/, ",cheap,$1,$2") : row)),
    );
    const error = await refused(["train"], {
      exit: 2,
      code: "DATASETS_BAD_CELL",
      says: ["ads.csv", "line 151", "column price", '"cheap"'],
    });
    expect(error.details).toMatchObject({ file: "ads.csv", line: 151, column: "price", value: "cheap" });
    expect(await whatIsKept(project)).toEqual(before);
  });

  const ratings = sharedData("movielens-latest-small/ratings_as_found_with_one_corrupt_cell.csv");
  it.skipIf(ratings === undefined)(
    "has one corrupt cell in a hundred thousand rows: it is named",
    async () => {
      const name = basename(ratings ?? "");
      copyFileSync(ratings ?? "", join(cwd, name));
      writeFileSync(project.config, `${project.goodConfig}${RATINGS.replace("FILE", name)}`);
      const error = await refused(["data", "add", "ratings"], {
        exit: 2,
        code: "DATASETS_BAD_CELL",
        says: [name, "line 522", "column timestamp", "https://files.grouplens.org"],
      });
      expect(error.details).toMatchObject({ file: name, line: 522, column: "timestamp" });
      expect(await whatIsKept(project)).toEqual(before);
    },
  );
});

const RATINGS = `
export const ratings = dataset({
  source: csv("FILE"),
  columns: { userId: "int", movieId: "int", rating: "float", timestamp: "int" },
});
`;

describe("a target that nothing can be learned from", () => {
  // The rows themselves are sound: their snapshot stays, and nothing else does.
  async function keptButSnapshot(): Promise<Partial<Kept>> {
    const { versions, aliases, temporaryFiles } = await whatIsKept(project);
    return { versions, aliases, temporaryFiles };
  }

  it("is constant", async () => {
    writeFileSync(
      project.data,
      mapRows((row) => row.replace(/,\d$/, ",1")),
    );
    await refused(["train"], {
      exit: 2,
      code: "EVALUATION_TARGET_CONSTANT",
      says: ["1", "nothing to learn"],
    });
    expect(before).toMatchObject(await keptButSnapshot());
    await refused(["init", "fresh", "--from", "ads.csv", "--target", "clicked"], {
      exit: 2,
      code: "CLI_BAD_TARGET",
      says: ["clicked"],
    });
    expect(existsSync(join(cwd, "fresh"))).toBe(false);
  });

  it("has nulls", async () => {
    writeFileSync(
      project.data,
      mapRows((row, line) => (line === 7 || line === 9 ? row.replace(/,\d$/, ",") : row)),
    );
    await refused(["train"], {
      exit: 2,
      code: "EVALUATION_TARGET_MISSING",
      says: ["2 of 300 rows", "row 6", "ads.csv, line 7"],
    });
    expect(before).toMatchObject(await keptButSnapshot());
    await refused(["init", "fresh", "--from", "ads.csv", "--target", "clicked"], {
      exit: 2,
      code: "CLI_BAD_TARGET",
      says: ["clicked", "2 of 300 rows", "line 7", "ads.csv"],
    });
    expect(existsSync(join(cwd, "fresh"))).toBe(false);
  });
});

describe("a configuration that cannot be used", () => {
  const cases = [
    {
      title: "a feature names an unknown column",
      change: (text: string) => text.replace("c.price", "c.prise"),
      code: "PROJECT_CONFIG_FAILED",
      says: ["slipway.config.ts:18:70", '"prise"'],
      hint: 'did you mean "price"?',
    },
    {
      title: "a feature reads what is known only afterwards",
      change: (text: string) => text.replace("price: c.price", "price: c.clicked"),
      code: "PROJECT_CONFIG_FAILED",
      says: ["slipway.config.ts:18:70", '"clicked"'],
    },
    {
      title: "it throws",
      change: (text: string) => `${text}\nthrow new Error("not on a Sunday");\n`,
      code: "PROJECT_CONFIG_FAILED",
      says: ["slipway.config.ts:23:7", "not on a Sunday"],
    },
    {
      title: "it is not TypeScript",
      change: (text: string) => text.replace("model({", "model({{"),
      code: "PROJECT_CONFIG_FAILED",
      says: ["slipway.config.ts:15:", "Unexpected token"],
    },
    {
      title: "it exports nothing",
      change: () => "export {};\n",
      code: "PROJECT_EMPTY",
      says: ["slipway.config.ts"],
    },
  ];
  for (const { title, change, code, says, hint } of cases) {
    it(title, async () => {
      writeFileSync(project.config, change(project.goodConfig));
      const error = await refused(["train"], { exit: 2, code, says });
      if (hint !== undefined) expect(error).toMatchObject({ hint });
      expect(await whatIsKept(project)).toEqual(before);
    });
  }
});
