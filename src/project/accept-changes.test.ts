import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyChanges } from "../datasets/spec.ts";
import { acceptChanges } from "./accept-changes.ts";
import { editDataset } from "./edit-config.ts";
import { unifiedDiff } from "./line-diff.ts";
import { loadProject } from "./load.ts";
import { maskSource } from "./source-object.ts";

const CONFIG = `import { csv, dataset } from "slipway";

// dataset({ checks: { rows: { min: 1 } } }) is how it begins; "other" is not it.
const TOWNS = ["Rome", "Oslo"];
const text = \`const people = dataset({ \${TOWNS.map((town) => \`}\${town}\`)} \`;

export const people = dataset({
  source: csv("people.csv", { delimiter: "," }),
  columns: {
    id: "int", // the "key, {of all}"
    town: "category",
    'home town': { type: "category", required: false },
    age: "float",
  },
  checks: {
    rows: { min: 10, severity: "warning" }, /* { few, */
    columns: {
      id: { unique: true },
      // a comment that stays
      town: { domain: { values: ["Rome"] }, pattern: { matches: /^[{"'A-Z/]+$/i } },
      age: {
        range: { min: 0 }
      } // no comma
    },
  },
});

export const pets = dataset({ source: csv("pets.csv"), columns: { name: "text" }, checks: {} });
export const things = dataset({
  source: csv("things.csv"),
  columns: { town: "category" },
  checks: { columns: { town: { domain: { values: TOWNS } } }, ...(text === "" ? { rows: { min: 1 } } : {}) },
});
`;

const PEOPLE = [
  { path: ["checks", "rows", "min"], value: 7 },
  { path: ["checks", "columns", "id", "unique", "maxShareRepeated"], value: 0.25 },
  { path: ["checks", "columns", "town", "domain", "values"], value: ["Rome", 'O"slo'] },
  { path: ["checks", "columns", "town", "pattern", "maxShareOutside"], value: 0.5 },
  { path: ["checks", "columns", "age", "range", "max"], value: 99 },
  { path: ["checks", "columns", "home town", "missing", "maxShare"], value: 0.125 },
  { path: ["checks", "freshness", "maxAgeHours"], value: 3 },
  { path: ["columns", "id", "required"], value: false },
];

let folder: string;
const config = () => join(folder, "slipway.config.ts");

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-accept-"));
  symlinkSync(fileURLToPath(new URL("../../node_modules", import.meta.url)), join(folder, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("accepting changes of a schema", () => {
  it("changes the options and nothing else, comments included", async () => {
    const changes = PEOPLE.filter(({ path }) => path[1] !== "freshness");
    writeFileSync(config(), CONFIG);
    const before = await loadProject(folder);
    const accepted = await acceptChanges(folder, "people", changes);
    expect(accepted).toMatchObject({ applied: true, file: "slipway.config.ts" });
    expect(readdirSync(folder).filter((name) => name.includes("candidate"))).toEqual([]);
    const after = await loadProject(folder);
    expect(after.datasets.get("people")).toEqual(applyChanges(before.datasets.get("people")!, changes));
    expect(after.datasets.get("pets")).toEqual(before.datasets.get("pets"));
    const written = readFileSync(config(), "utf8");
    expect(written).toContain("      // a comment that stays\n");
    expect(written).toContain(
      '{ values: ["Rome", "O\\"slo"] }, pattern: { matches: /^[{"\'A-Z/]+$/i, maxShareOutside: 0.5 }',
    );
    expect(written).toContain("        range: { min: 0, max: 99 }\n      }, // no comma\n");
    expect(written).toContain('      "home town": { missing: { maxShare: 0.125 } },\n    },\n  },\n});');
    expect(written).toContain('id: { type: "int", known: "before", required: false }, // the "key');
    expect(accepted.text).toContain('-    rows: { min: 10, severity: "warning" }, /* { few, */\n');
    expect(accepted.text).toContain('+    rows: { min: 7, severity: "warning" }, /* { few, */\n');
  });

  it("fills what was empty", async () => {
    writeFileSync(config(), CONFIG);
    const changes = [
      { path: ["checks", "columns", "name", "distinct", "max"], value: 3 },
      { path: ["checks", "rows", "min"], value: 1 },
    ];
    expect(await acceptChanges(folder, "pets", changes)).toMatchObject({ applied: true });
    expect(readFileSync(config(), "utf8")).toContain(
      "checks: { columns: { name: { distinct: { max: 3 } } }, rows: { min: 1 } } });",
    );
  });

  it.each([
    [
      "a variable stands there",
      "things",
      ["checks", "columns", "town", "domain", "values"],
      "not written out",
    ],
    ["something is spread there", "things", ["checks", "rows", "min"], "not written out"],
    ["the result cannot be loaded", "people", ["checks", "freshness", "maxAgeHours"], "cannot be loaded"],
    ["the dataset is not there", "none", ["checks", "rows", "min"], "not written out"],
  ])("leaves the file alone where %s, and says what to write", async (_, dataset, path, reason) => {
    writeFileSync(config(), CONFIG);
    const accepted = await acceptChanges(folder, dataset, [{ path, value: 5 }]);
    expect(accepted).toMatchObject({ applied: false, reason: expect.stringContaining(reason) });
    expect(accepted.text).toMatch(/^dataset\(\{ checks: \{ .* \} \}\)\n$/);
    expect(readFileSync(config(), "utf8")).toBe(CONFIG);
    expect(readdirSync(folder).filter((name) => name.includes("candidate"))).toEqual([]);
  });

  it("is not fooled by code that only looks like a dataset", () => {
    const twice = `${CONFIG}\nfunction f() { const people = dataset({ checks: {} }); }`;
    const change = { changes: PEOPLE.slice(0, 1), expected: {} };
    expect(editDataset(twice, "people", change)).toBeUndefined();
    expect(maskSource(CONFIG)).toHaveLength(CONFIG.length);
    expect(maskSource(CONFIG).match(/const people/g)).toHaveLength(1);
    for (let length = 0; length < CONFIG.length; length += 7)
      editDataset(CONFIG.slice(0, length), "people", change);
  });
});

describe("a unified diff", () => {
  it("has hunks with three lines around what changed", () => {
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const changed = lines.with(2, "new 2").toSpliced(15, 1).toSpliced(18, 0, "added");
    expect(unifiedDiff(lines.join("\n"), changed.join("\n"), "x.ts")).toBe(
      [
        "--- a/x.ts",
        "+++ b/x.ts",
        "@@ -1,6 +1,6 @@",
        " line 0",
        " line 1",
        "-line 2",
        "+new 2",
        " line 3",
        " line 4",
        " line 5",
        "@@ -13,8 +13,8 @@",
        " line 12",
        " line 13",
        " line 14",
        "-line 15",
        " line 16",
        " line 17",
        " line 18",
        "+added",
        " line 19",
        "",
      ].join("\n"),
    );
    expect(unifiedDiff("a", "a", "x")).toBe("");
  });
});
