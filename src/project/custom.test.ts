import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCustomFunctions } from "../features/index.ts";
import { SlipwayError } from "../kernel/index.ts";
import { compileCustomCode } from "./custom-code.ts";
import { loadProject, type Project } from "./load.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-custom-"));
});
afterEach(() => rm(folder, { recursive: true }));

const config = (features: string, before = ""): string => `
import { csv, custom, dataset, model } from "slipway";
${before}
export const people = dataset({
  source: csv("people.csv"),
  columns: { name: "text", age: "int", town: "category", at: "timestamp", bought: { type: "bool", known: "after" } },
});
export const buys = model({
  from: people,
  target: (row) => row.bought,
  features: (c) => ({ ${features} }),
});
`;

async function load(files: Readonly<Record<string, string>>): Promise<Project> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return await loadProject(folder);
}

async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  const project = await load(files);
  return await compileCustomCode(project.customSourcesOf("buys"), folder);
}

async function refusal(action: Promise<unknown>): Promise<SlipwayError> {
  try {
    await action;
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("it was not refused");
}

/** One function of the project's own. */
const compiled = (body: string) =>
  compile({
    "slipway.config.ts": config(
      'f: custom("f", { reads: [c.age], returns: "number" }, f)',
      'import { f } from "./f.ts";',
    ),
    "f.ts": body,
  });

const TITLE = 'title: custom("title", { reads: [c.name], returns: "category" }, titleOf)';

describe("custom functions of a project", () => {
  it("are data in the features, and are known by where they are exported from", async () => {
    const project = await load({
      "slipway.config.ts": config(
        `${TITLE}, encoded: custom("title", { reads: [c.name], returns: "category" }, titleOf).targetEncoded()`,
        'import { titleOf } from "./people.ts";',
      ),
      "people.ts": "export const titleOf = (name: string | null): string | null => name;",
    });
    expect(project.models.get("buys")?.features.title).toEqual({
      op: "custom",
      function: "title",
      returns: "category",
      args: [{ op: "column", name: "name" }],
    });
    expect(project.customSourcesOf("buys")).toEqual([
      { name: "title", file: join(folder, "people.ts"), export: "titleOf" },
    ]);
  });

  it("come with what they use, and with nothing else", async () => {
    const code = await compile({
      "slipway.config.ts": config(TITLE, 'import titleOf from "./people.ts";'),
      "people.ts": `
        import "./marks.ts";
        import { clean, unused } from "./text.ts";
        const titles: readonly string[] = ["Mrs", "Mr"];
        /** A comment. */
        export default (name: string | null): string | null =>
          titles.find((title) => clean(name ?? "").includes(title)) ?? null;
        export const other = () => unused(Date.now());`,
      "text.ts": `
        export const clean = <T extends string>(text: T): string => text.trim() as string;
        export const unused = (time: number) => time;`,
      "marks.ts": "Object.defineProperty(globalThis, Symbol(), { value: 1 });",
    });
    expect(openCustomFunctions(code).find("title")(" Mrs Smith ")).toBe("Mrs");
    expect(code).not.toMatch(/unused|comment|globalThis|people\.ts/);
  });

  it("are the same text wherever the project lies", async () => {
    const files = {
      "slipway.config.ts": config(TITLE, 'import { titleOf } from "./people.ts";'),
      "people.ts": "export const titleOf = (name: string | null) => name?.at(0) ?? null;",
    };
    const here = await compile(files);
    const first = folder;
    folder = await mkdtemp(join(tmpdir(), "slipway-elsewhere-"));
    expect(await compile(files)).toBe(here);
    await rm(first, { recursive: true });
  });

  it("may be written in place, where they stand alone", async () => {
    const code = await compile({
      "slipway.config.ts": config(
        'age: custom("age", { reads: [c.age, c.at], returns: "number" }, (age, at) => { const double = (x: number): number => Math.log1p(x * 2); return age === null ? null : double(age) + (at ?? 0); })',
      ),
    });
    expect(openCustomFunctions(code).find("age")(null, 1)).toBeNull();
    const alone = await refusal(
      compile({
        "slipway.config.ts": config(
          'age: custom("age", { reads: [c.age], returns: "number" }, (age) => (age ?? 0) * factor)',
          "const factor = 2;",
        ),
      }),
    );
    expect(alone).toMatchObject({
      code: "PROJECT_BAD_CUSTOM",
      message: 'custom function "age" uses "factor" from around it, which does not come with it',
      details: { function: "age", uses: ["factor"] },
    });
  });

  it("that differ by machine, moment or language are refused by what they use", async () => {
    for (const [body, message] of [
      ["Date.now()", '"Date"'],
      ["Math.random()", "Math.random"],
      ["Math.atan2(age ?? 0, 1)", "Math.atan2"],
      ["(age ?? 0) ** 2", "the operator **"],
      ["String(age).localeCompare('b')", "localeCompare()"],
      ["(age ?? 0).toLocaleString().length", "toLocaleString()"],
      ["new Intl.NumberFormat().format(1).length", '"Intl"'],
      ["process.pid", '"process"'],
      ["globalThis.crypto.getRandomValues(new Uint8Array(1))[0]", '"globalThis"'],
      ["eval('1')", '"eval"'],
    ] as const) {
      const refused = await refusal(
        compiled(`export const f = (age: number | null): number => ${body} as number;`),
      );
      expect(refused.code, body).toBe("PROJECT_BAD_CUSTOM");
      expect(refused.message).toBe(`custom functions use ${message}`);
      expect(refused.hint).toBeDefined();
    }
  });

  it("that need what cannot come with a model are refused", async () => {
    expect(
      await refusal(
        compiled(
          'import { createHash } from "node:crypto"; export const f = () => createHash("md5").digest().length;',
        ),
      ),
    ).toMatchObject({ code: "PROJECT_BAD_CUSTOM", details: { uses: ["node:crypto"] } });
    expect(
      await refusal(compiled('export const f = () => { void import("./f.ts"); return 1; };')),
    ).toMatchObject({ code: "PROJECT_BAD_CUSTOM" });
  });

  it("are refused with words when they are written wrongly", async () => {
    for (const [features, message] of [
      ['x: custom("x", { reads: [], returns: "number" }, () => 1)', "reads must be a list of columns"],
      ['x: custom("x", { reads: [c.age], returns: "text" }, () => 1)', "returns must be"],
      ['x: custom("x y", { reads: [c.age], returns: "number" }, () => 1)', "function must be a name"],
      ['x: custom("x", { reads: [c.age], returns: "number" })', "the function is missing"],
      ['x: custom("x", { reads: [c.age.log1p()], returns: "number" }, () => 1)', "it reads columns"],
      ['x: custom("x", { reads: [c.age], gives: 1, returns: "number" }, () => 1)', 'no option "gives"'],
      [
        'x: custom("x", { reads: [c.age], returns: "number" }, () => 1), y: custom("x", { reads: [c.age], returns: "number" }, () => 2)',
        "two functions have this name",
      ],
    ] as const) {
      const refused = await refusal(load({ "slipway.config.js": config(features) }));
      expect(refused.message, features).toContain(message);
    }
    const target = config("age: c.age").replace(
      "row.bought",
      'custom("x", { reads: [row.age], returns: "number" }, () => 1)',
    );
    expect((await refusal(load({ "slipway.config.js": target }))).message).toContain(
      "custom functions are for features only",
    );
  });
});
