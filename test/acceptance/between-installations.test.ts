import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
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

type Imported = OperationOutput<"models.import">;
type Exported = OperationOutput<"models.export">;
type Shown = OperationOutput<"models.show">;

/** Another installation, which has neither the data nor the model's definition. */
const ELSEWHERE = `import { csv, dataset } from "slipway";
export const visits = dataset({ source: csv("visits.csv"), columns: { age: "int" } });
`;

describe("a version that moves from laptop to staging to production", () => {
  let laptop: SmallProject;
  const staging = scratchFolder("staging");
  const production = scratchFolder("production");
  const file = join(staging.path, "clicked-1.slipway");
  let server: RunningServer;
  let exported: Exported;
  let answer: unknown;

  beforeAll(async () => {
    laptop = smallProject("laptop");
    for (const { path } of [staging, production]) writeFileSync(join(path, "slipway.config.ts"), ELSEWHERE);
    await slipwayJson(["train"], { cwd: laptop.path });
    const there = await slipwayUp({ cwd: laptop.path });
    answer = (await predict(there.predictions, "clicked", { instances: [goodRecord] })).body;
    await there.stop();
    exported = await slipwayJson<Exported>(["model", "export", "clicked", "--out", staging.path], {
      cwd: laptop.path,
    });
    server = await slipwayUp({ cwd: staging.path });
  });

  afterAll(async () => {
    await server?.stop();
    for (const { remove } of [laptop, staging, production]) remove();
  });

  it("is one file, with the same bytes each time, that only its owner can read", async () => {
    expect(exported).toMatchObject({ model: "clicked", version: 1, out: file });
    expect(createHash("sha256").update(readFileSync(file)).digest("hex")).toBe(exported.digest);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(laptop.path, ".slipway/installation.key")).mode & 0o777).toBe(0o600);
    const again = await slipwayJson<Exported>(
      ["model", "export", "clicked@1", "--out", join(laptop.temporary, "again")],
      { cwd: laptop.path },
    );
    expect(again.digest).toBe(exported.digest);
  });

  it("is served by running workers as soon as the import answers, with the same answers", async () => {
    const imported = await slipwayJson<Imported>(["model", "import", file], { cwd: staging.path });
    // No waiting here: the very next request is answered.
    const { status, body } = await predict(server.predictions, "clicked", { instances: [goodRecord] });
    expect([status, body]).toEqual([200, answer]);
    expect(imported).toMatchObject({
      ...{ model: "clicked", version: 1, champion: true, alreadyRegistered: false, status: "accepted" },
      from: { installation: exported.installation, model: "clicked", version: 1 },
    });
    expect(imported.bundle).toBe(exported.bundle);
  });

  it("is registered with its lineage and where it comes from", async () => {
    const there = await slipwayJson<Shown>(["model", "show", "clicked"], { cwd: laptop.path });
    const here = await slipwayJson<Shown>(["model", "show", "clicked"], { cwd: staging.path });
    expect(here.evaluation).toEqual(there.evaluation);
    expect(here.trainer).toEqual(there.trainer);
    expect(here.lineage).toMatchObject({
      snapshot: there.lineage.snapshot,
      plan: there.lineage.plan,
      provenance: [
        { installation: exported.installation, version: 1, run: there.lineage.run, actor: there.actor },
      ],
    });
    expect(here.lineage.provenance?.[0]?.journal.map(({ action }) => action)).toEqual([
      "run.started",
      "version.registered",
      "alias.moved",
      "run.finished",
    ]);
  });

  it("is recognised when it comes again, under whatever number it has", async () => {
    const { stdout } = await slipway(["model", "import", file], { cwd: staging.path });
    expect(stdout).toContain("clicked@1 is already registered as v1");
    const home = await slipwayJson<Imported>(["model", "import", file], { cwd: laptop.path });
    expect(home).toMatchObject({ version: 1, alreadyRegistered: true });
    expect(
      (await slipwayJson<Shown>(["model", "show", "clicked"], { cwd: laptop.path })).lineage,
    ).not.toHaveProperty("provenance");
  });

  it("goes on to a server that is told nothing but its address, and remembers both places", async () => {
    const next = join(production.path, "next.slipway");
    const { installation } = await slipwayJson<Exported>(["model", "export", "clicked", "--out", next], {
      cwd: staging.path,
    });
    expect(installation).not.toBe(exported.installation);
    const there = await slipwayUp({ cwd: production.path, env: { SLIPWAY_TOKEN: "production-token-0123" } });
    try {
      const toServer = ["--server", there.console, "--token", "production-token-0123"];
      const imported = await slipwayJson<Imported>(["model", "import", next, "--name", "ads", ...toServer], {
        cwd: laptop.temporary,
      });
      expect(imported).toMatchObject({ model: "ads", version: 1, champion: true });
      expect((await predict(there.predictions, "ads", { instances: [goodRecord] })).body).toEqual(answer);
      const shown = await slipwayJson<Shown>(["model", "show", "ads", ...toServer], {
        cwd: laptop.temporary,
      });
      expect(shown.lineage.provenance?.map((step) => step.installation)).toEqual([
        exported.installation,
        installation,
      ]);
    } finally {
      await there.stop();
    }
  });

  it("cannot be reproduced without its data, which is said", async () => {
    const without = await slipway(["reproduce", "clicked", "--json"], { cwd: staging.path });
    expect(without.code).not.toBe(0);
    expect(errorOf(without)).toMatchObject({
      code: "REGISTRY_UNKNOWN_SNAPSHOT",
      hint: expect.stringContaining("another installation"),
    });
  });

  it("is refused when it is damaged, cut off or none at all, and leaves nothing behind", async () => {
    const before = await whatIsKept(laptop, join(staging.path, ".slipway"));
    const whole = readFileSync(file);
    const altered = Buffer.from(whole);
    const inModel = whole.length - 3_000;
    altered[inModel] = (altered[inModel] ?? 0) ^ 1;
    const relabelled = Buffer.from(whole.toString("latin1").replace('"actor":"', '"actor":"x'), "latin1");
    const bad = join(staging.path, "bad.slipway");
    for (const [bytes, code] of [
      [altered, "STORAGE_ARCHIVE_DAMAGED"],
      [relabelled, "STORAGE_ARCHIVE_DAMAGED"],
      [whole.subarray(0, whole.length / 2), "STORAGE_ARCHIVE_DAMAGED"],
      [whole.subarray(0, 100), "APP_MODEL_UNNAMED"],
    ] as const) {
      writeFileSync(bad, bytes);
      const refused = await slipway(["model", "import", bad, "--json"], { cwd: staging.path });
      expect(refused.code).toBe(2);
      expect(errorOf(refused).code).toBe(code);
    }
    expect(await whatIsKept(laptop, join(staging.path, ".slipway"))).toEqual(before);
    expect(readdirSync(staging.path).filter((name) => name.startsWith("."))).toEqual([".slipway"]);
  });
});
