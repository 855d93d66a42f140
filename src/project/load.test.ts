import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson, SlipwayError } from "../kernel/index.ts";
import { loadProject } from "./load.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

const CONFIG = `
import { atLeast, byTime, csv, dataset, gbdt, model } from "slipway";
import { threshold } from "./threshold.ts";

export const trips = dataset({
  source: csv("trips.csv"),
  columns: { date: "timestamp", delay: { type: "int", known: "after" }, distance: "int" },
  time: "date",
});

export const late = model({
  from: trips,
  target: (row) => row.delay.above(threshold),
  features: (c) => ({ hour: c.date.hourOfDay(), miles: c.distance.log1p() }),
  split: byTime({ evaluateFrom: "2001-05-01" }),
  trainer: gbdt({ trees: 10 }),
  gates: [atLeast("auc", 0.6)],
});
`;
const SMALL = `import { csv, dataset, model } from "slipway";
const d = dataset({ source: csv("x.csv"), columns: { x: "float", y: "bool" } });
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-project-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

async function refusal(path = folder): Promise<SlipwayError> {
  try {
    await loadProject(path);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("the project was loaded");
}

describe("loadProject", () => {
  it("names datasets and models as they are exported", async () => {
    await write({ "slipway.config.ts": CONFIG, "threshold.ts": "export const threshold: number = 15;" });
    const project = await loadProject(folder);
    expect([...project.datasets.keys()]).toEqual(["trips"]);
    expect([...project.models.keys()]).toEqual(["late"]);
    expect(project.datasetNameOf("late")).toBe("trips");
    expect(project.root).toBe(folder);
    expect(project.models.get("late")?.target).toMatchObject({ task: "binary" });
    expect(() => project.datasetNameOf("early")).toThrow(/has no model "early"/);
  });

  it("gives specs that are plain data, and a digest of their meaning alone", async () => {
    await write({ "slipway.config.ts": CONFIG, "threshold.ts": "export const threshold = 15;" });
    const first = await loadProject(folder);
    const late = first.models.get("late");
    expect(JSON.parse(canonicalJson(late))).toEqual(late);
    await write({ "slipway.config.ts": `// a comment\n${CONFIG}` });
    expect((await loadProject(folder)).configDigest).toBe(first.configDigest);
  });

  it("reads the config and the files it imports anew each time", async () => {
    await write({ "slipway.config.ts": CONFIG, "threshold.ts": "export const threshold = 15;" });
    const first = await loadProject(folder);
    await write({ "threshold.ts": "export const threshold = 30;" });
    const second = await loadProject(folder);
    expect(second.configDigest).not.toBe(first.configDigest);
    expect(canonicalJson(second.models.get("late")?.target)).toContain("30");
  });

  it("takes the path of a config, and JavaScript", async () => {
    await write({ "slipway.config.js": `${SMALL} export { d };` });
    expect([...(await loadProject(folder)).datasets.keys()]).toEqual(["d"]);
    await write({ "other.mjs": `${SMALL} export { d as other };` });
    expect([...(await loadProject(join(folder, "other.mjs"))).datasets.keys()]).toEqual(["other"]);
  });

  it.each(["commonjs", "module", undefined])("reads modules in a package of type %s", async (type) => {
    await write({ "package.json": JSON.stringify({ name: "x", type }) });
    await write({ "slipway.config.ts": CONFIG, "threshold.ts": "export const threshold = 15;" });
    expect([...(await loadProject(folder)).models.keys()]).toEqual(["late"]);
    await rm(join(folder, "slipway.config.ts"));
    await write({ "slipway.config.js": `${SMALL} export { d };` });
    expect([...(await loadProject(folder)).datasets.keys()]).toEqual(["d"]);
  });

  it("takes the name a model gives itself", async () => {
    const named = `export const m = model({ from: d, target: (r) => r.y, features: (c) => ({ x: c.x }), name: "my-model" });`;
    await write({ "slipway.config.ts": `${SMALL} export { d }; ${named}` });
    expect([...(await loadProject(folder)).models.keys()]).toEqual(["my-model"]);
  });

  it("says how to begin where there is no config", async () => {
    const error = await refusal();
    expect(error.code).toBe("PROJECT_NOT_FOUND");
    expect(error.hint).toContain("slipway init");
    expect((await refusal(join(folder, "nothing.ts"))).code).toBe("PROJECT_NOT_FOUND");
  });

  const failing: readonly [string, string, string, object][] = [
    [
      "throws",
      "slipway.config.ts",
      "\n  throw new Error('no luck');",
      { line: 2, column: 9, cause: "Error" },
    ],
    ["throws no error", "slipway.config.ts", "throw 'no luck';", { cause: "string" }],
    [
      "is not TypeScript",
      "slipway.config.ts",
      "const x =\n  (1;\n",
      { line: 2, column: 5, cause: "SyntaxError" },
    ],
    [
      "is not JavaScript",
      "slipway.config.js",
      "const x = 1;\nconst y = (1;",
      { line: 2, cause: "SyntaxError" },
    ],
    ["needs a build", "slipway.config.ts", "\n\nenum A { B }", { line: 3, column: 1, cause: "SyntaxError" }],
    [
      "imports what is not there",
      "slipway.config.ts",
      `import { x } from "./nothing.ts";`,
      { cause: "Error" },
    ],
    [
      "imports what slipway does not have",
      "slipway.config.ts",
      `\nimport { datset } from "slipway";`,
      { line: 2, column: 10, cause: "SyntaxError" },
    ],
    [
      "names a column that is not there",
      "slipway.config.ts",
      `${SMALL}export { d };\nexport const m = model({ from: d, target: (r) => r.z, features: (c) => ({ x: c.x }) });`,
      { line: 4, cause: "PROJECT_UNKNOWN_COLUMN" },
    ],
  ];
  it.each(failing)("says where a config %s", async (_, name, text, details) => {
    await write({ [name]: text });
    const error = await refusal();
    expect(error.code).toBe("PROJECT_CONFIG_FAILED");
    expect(error.details).toMatchObject({ file: join(folder, name), ...details });
    expect(error.message.startsWith(join(folder, name))).toBe(true);
    expect(error.message).not.toContain("slipway-load");
  });

  it("says where a file that the config imports throws", async () => {
    await write({ "slipway.config.ts": `import "./more.ts";`, "more.ts": "\nnull.x;" });
    expect((await refusal()).details).toMatchObject({ file: join(folder, "more.ts"), line: 2 });
  });

  it.each([
    ["PROJECT_EMPTY", "export const x = 1;"],
    ["PROJECT_BAD_NAME", `${SMALL} export default d;`],
    ["PROJECT_BAD_NAME", `${SMALL} export { d as $d };`],
    ["PROJECT_BAD_NAME", `${SMALL} export { d, d as twice };`],
    ["PROJECT_BAD_NAME", `export const d = { kind: "dataset", columns: {} };`],
    [
      "PROJECT_DATASET_NOT_EXPORTED",
      `${SMALL} export const m = model({ from: d, target: (r) => r.y, features: (c) => ({ x: c.x }) });`,
    ],
  ])("refuses exports with %s: %s", async (code, text) => {
    await write({ "slipway.config.ts": text });
    expect((await refusal()).code).toBe(code);
  });
});

/** Loads the project in `folder` in a process of its own and says what it loaded for that. */
async function loadElsewhere(
  face: string,
): Promise<{ models: string[]; native: string[]; modules: string[] }> {
  const script = `
    import { registerHooks } from "node:module";
    const modules = [];
    registerHooks({ load(url, context, next) { modules.push(url); return next(url, context); } });
    const native = [];
    process.dlopen = (_, file) => { native.push(file); throw new Error("native code: " + file); };
    const { loadProject } = await import(${JSON.stringify(pathToFileURL(face).href)});
    const { models } = await loadProject(${JSON.stringify(folder)});
    const shared = process.report.getReport().sharedObjects.filter((file) => file.endsWith(".node"));
    console.log(JSON.stringify({ models: [...models.keys()], native: [...native, ...shared], modules }));
  `;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: tmpdir() });
  return JSON.parse(stdout);
}

describe("in a process of its own", () => {
  it("loads no native code and nothing but the language", async () => {
    await write({ "slipway.config.ts": CONFIG, "threshold.ts": "export const threshold = 15;" });
    const { models, native, modules } = await loadElsewhere(join(root, "src/project/index.ts"));
    expect(models).toEqual(["late"]);
    expect(native).toEqual([]);
    expect(modules.filter((url) => url.includes("node_modules"))).toEqual([]);
    const ownRooms = modules
      .map((url) => /\/src\/([a-z]+)\/([a-z-]+)\.ts$/.exec(url))
      .filter((match) => match !== null);
    expect(ownRooms.length).toBeGreaterThan(10);
    expect(
      ownRooms.filter(([, room, file]) => room !== "kernel" && room !== "project" && file === "index"),
    ).toEqual([]);
  });

  it("works from a build as it does from source", async () => {
    await write({ "slipway.config.ts": CONFIG, "threshold.ts": "export const threshold = 15;" });
    const build = join(folder, "build");
    await mkdir(build);
    const config = {
      extends: join(root, "tsconfig.build.json"),
      compilerOptions: {
        rootDir: join(root, "src"),
        outDir: build,
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: [join(root, "src/project/index.ts")],
      include: [],
    };
    await writeFile(join(build, "tsconfig.json"), JSON.stringify(config));
    await writeFile(join(build, "package.json"), `{ "type": "module" }`);
    await run(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      join(build, "tsconfig.json"),
    ]);
    const { models, native } = await loadElsewhere(join(build, "project/index.js"));
    expect(models).toEqual(["late"]);
    expect(native).toEqual([]);
  });
});
