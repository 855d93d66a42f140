import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import {
  errorOf,
  predict,
  type RunningServer,
  scratchFolder,
  slipway,
  slipwayJson,
  slipwayUp,
} from "./command.ts";
import { goodRecord, type SmallProject, smallProject, whatIsKept } from "./small-project.ts";

type Trained = OperationOutput<"train">;

const FUNCTIONS = `import { upper } from "./text.ts";
export const placeOf = (site: string | null, position: number | null): string | null =>
  site === null ? null : upper(site) + (position ?? 0) % 2;
`;

/** The small project with two functions of its own. */
const withFunctions = (config: string): string =>
  config
    .replace("import { byTime, csv,", 'import { placeOf } from "./places.ts";\nimport { byTime, csv, custom,')
    .replace(
      "site: c.site,",
      `place: custom("place", { reads: [c.site, c.position], returns: "category" }, placeOf),
    cheap: custom("cheap", { reads: [c.price], returns: "number" }, (price) => (price === null ? null : Math.exp(-price))),`,
    );

describe("features that are functions of the project", () => {
  let project: SmallProject;
  const elsewhere = scratchFolder("elsewhere");
  const file = join(elsewhere.path, "clicked-1.slipway");
  let server: RunningServer;
  let trained: Trained;
  let answer: number;

  beforeAll(async () => {
    project = smallProject("custom");
    writeFileSync(project.config, withFunctions(project.goodConfig));
    writeFileSync(join(project.path, "places.ts"), FUNCTIONS);
    writeFileSync(
      join(project.path, "text.ts"),
      "export const upper = (text: string): string => text.toUpperCase();",
    );
    writeFileSync(
      join(elsewhere.path, "slipway.config.ts"),
      'import { csv, dataset } from "slipway";\nexport const visits = dataset({ source: csv("visits.csv"), columns: { age: "int" } });\n',
    );
    trained = await slipwayJson<Trained>(["train"], { cwd: project.path });
    server = await slipwayUp({ cwd: project.path });
    const { body } = await predict(server.predictions, "clicked", { instances: [goodRecord] });
    answer = (body.predictions as number[])[0]!;
  });

  afterAll(async () => {
    await server?.stop();
    project.remove();
    elsewhere.remove();
  });

  it("are served, replayed, reproduced and used for files alike", async () => {
    expect(answer).toBeGreaterThan(0);
    const { cwd } = { cwd: project.path };
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd });
    expect([replayed.predictions, replayed.identical]).toEqual([1, 1]);
    writeFileSync(join(cwd, "rows.ndjson"), `${JSON.stringify(goodRecord)}\n`);
    await slipwayJson(["predict", "clicked", "--file", "rows.ndjson", "--out", "out.ndjson"], { cwd });
    expect(JSON.parse(readFileSync(join(cwd, "out.ndjson"), "utf8"))).toMatchObject({ prediction: answer });
    // Without the sources: the version needs only its bundle and its data.
    writeFileSync(join(cwd, "places.ts"), "export const placeOf = () => null;");
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "clicked"], { cwd });
    expect(reproduced).toMatchObject({ verdict: "identical", expected: trained.bundle });
    writeFileSync(join(cwd, "places.ts"), FUNCTIONS);
  });

  it("make the same bundle again, and another one when they are edited", async () => {
    const again = await slipwayJson<Trained>(["train"], { cwd: project.path });
    expect(again).toMatchObject({ bundle: trained.bundle, alreadyRegistered: true });
    writeFileSync(
      join(project.path, "text.ts"),
      "export const upper = (text: string): string => text.slice(0, 1);",
    );
    const edited = await slipwayJson<Trained>(["train"], { cwd: project.path });
    expect(edited.version).toBe(2);
  });

  it("run only where somebody has let them in", async () => {
    await slipwayJson(["model", "export", "clicked@1", "--out", file], { cwd: project.path });
    const cwd = elsewhere.path;
    const refused = await slipway(["model", "import", file, "--json"], { cwd });
    expect(errorOf(refused)).toMatchObject({
      code: "BUNDLE_CODE_UNTRUSTED",
      hint: expect.stringContaining("--allow-code"),
    });
    const { blobs, versions } = await whatIsKept(project, join(cwd, ".slipway"));
    expect([blobs, versions]).toEqual([[], []]);

    const there = await slipwayUp({ cwd });
    try {
      await slipwayJson(["model", "import", file, "--allow-code"], { cwd });
      const { body } = await predict(there.predictions, "clicked", { instances: [goodRecord] });
      expect(body).toEqual({ predictions: [answer] });
    } finally {
      await there.stop();
    }
    const { entries } = await slipwayJson<OperationOutput<"journal">>(["journal"], { cwd });
    const allowed = entries.find(({ action }) => action === "code.allowed");
    const code = String(allowed?.details.code);
    expect(allowed).toMatchObject({ model: "clicked", details: { bundle: trained.bundle } });
    expect(statSync(join(cwd, ".slipway/signatures", `${code}.json`)).mode & 0o777).toBe(0o600);
    // What has been let in once is known.
    expect(await slipwayJson(["model", "import", file], { cwd })).toMatchObject({ alreadyRegistered: true });
  });

  it("do not run any more when their signature is another's", async () => {
    const cwd = elsewhere.path;
    const { entries } = await slipwayJson<OperationOutput<"journal">>(["journal"], { cwd });
    const code = String(entries.find(({ action }) => action === "code.allowed")?.details.code);
    const signature = readFileSync(join(project.path, ".slipway/signatures", `${code}.json`));
    writeFileSync(join(cwd, ".slipway/signatures", `${code}.json`), signature);
    writeFileSync(join(cwd, "rows.ndjson"), `${JSON.stringify(goodRecord)}\n`);
    const run = await slipway(
      ["predict", "clicked", "--file", "rows.ndjson", "--out", "o.ndjson", "--json"],
      { cwd },
    );
    expect(errorOf(run).code).toBe("BUNDLE_CODE_UNTRUSTED");
  });

  it("stop the training when they are not pure or fail, and say which and where", async () => {
    const cwd = project.path;
    for (const [body, code, message] of [
      [
        "let n = 0; export const placeOf = () => String(n++);",
        "FEATURES_IMPURE",
        /"place" gives different results/,
      ],
      [
        "export const placeOf = () => { throw new Error('no such place'); };",
        "FEATURES_CUSTOM_FAILED",
        /"place": no such place \(row 1\): .*ads\.csv, line 2/,
      ],
      ["export const placeOf = () => String(Date.now());", "PROJECT_BAD_CUSTOM", /use "Date"/],
    ] as const) {
      writeFileSync(join(cwd, "places.ts"), body);
      const failed = errorOf(await slipway(["train", "--json"], { cwd }));
      expect(failed).toMatchObject({ code, message: expect.stringMatching(message) });
    }
  });
});
