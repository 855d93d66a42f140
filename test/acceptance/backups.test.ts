import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { ownPostgresDatabase } from "../databases.ts";
import { backUpUnderLoad, restoredInto } from "../soak/backups-under-load.ts";
import { errorOf, scratchFolder, slipway, slipwayJson } from "./command.ts";
import { type SmallProject, smallProject, whatIsKept } from "./small-project.ts";

describe("a backup that is taken under load", () => {
  it("restores into an empty SQLite and an empty PostgreSQL: versions, champion and predictions are the same", async () => {
    const figures = await backUpUnderLoad({ backups: 1, loadMs: 300 });
    expect(figures).toMatch(/1 backup/);
  });
});

describe("a backup", () => {
  let project: SmallProject;
  const folder = scratchFolder("backups");
  let written: OperationOutput<"backup">;
  let file: string;
  const config = (): string => readFileSync(project.config, "utf8");

  beforeAll(async () => {
    project = smallProject("backups");
    await slipwayJson(["train"], { cwd: project.path });
    written = await slipwayJson(["backup", "--out", folder.path], { cwd: project.path });
    file = written.out;
  });

  afterAll(() => {
    project.remove();
    folder.remove();
  });

  /** An empty place for the project's state. */
  const target = (name: string): string => {
    const path = join(folder.path, name);
    mkdirSync(path);
    writeFileSync(join(path, "slipway.config.ts"), config());
    return path;
  };

  it("goes into a folder under a name of its own, and only its owner can read it", async () => {
    const { out } = written;
    expect(out).toMatch(/\/slipway-\d{8}T\d{6}Z\.backup$/);
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  it("restores what there was, and the installation stays the same one", async () => {
    const cwd = target("restored");
    await slipwayJson(["restore", file], { cwd });
    const { temporaryFiles: _, ...kept } = await whatIsKept(project);
    expect(await whatIsKept(project, join(cwd, ".slipway"))).toMatchObject(kept);
    const exported = (at: string) =>
      slipwayJson<OperationOutput<"models.export">>(["model", "export", "clicked", "--out", folder.path], {
        cwd: at,
      });
    expect((await exported(cwd)).digest).toBe((await exported(project.path)).digest);
    const reproduced = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "clicked"], { cwd });
    expect(reproduced.verdict).toBe("identical");
  });

  it("is refused where something is kept already, unless it is told to take its place", async () => {
    const cwd = join(folder.path, "restored");
    const refused = await slipway(["restore", file, "--json"], { cwd });
    expect(errorOf(refused)).toMatchObject({
      code: "STORAGE_TARGET_NOT_EMPTY",
      hint: expect.stringContaining("--replace"),
    });
    await slipwayJson(["restore", file, "--replace"], { cwd });
    const { versions } = await whatIsKept(project, join(cwd, ".slipway"));
    expect(versions).toEqual((await whatIsKept(project)).versions);
  });

  it("is refused when it is damaged or not there, and leaves the place empty", async () => {
    const cwd = target("damaged");
    const bad = join(folder.path, "bad.backup");
    const bytes = readFileSync(file);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 4;
    writeFileSync(bad, bytes);
    expect(errorOf(await slipway(["restore", bad, "--json"], { cwd })).code).toBe("STORAGE_ARCHIVE_DAMAGED");
    expect(errorOf(await slipway(["restore", join(cwd, "none"), "--json"], { cwd })).code).toBe("STORAGE_IO");
    const state = join(cwd, ".slipway");
    const { snapshots, versions, blobs, temporaryFiles, runningServer } = await whatIsKept(project, state);
    expect([...snapshots, ...versions, ...blobs, ...temporaryFiles, ...runningServer]).toEqual([]);
    expect(readdirSync(state)).not.toContain("restoring");
  });

  it("moves from PostgreSQL back to SQLite", async () => {
    const postgres = await ownPostgresDatabase();
    if (postgres === undefined) return;
    try {
      const inPostgres = await restoredInto({ file, path: target("in-postgres"), databaseUrl: postgres.url });
      const back = join(folder.path, "from-postgres.backup");
      await slipwayJson(["backup", "--out", back], inPostgres);
      const inSqlite = await restoredInto({ file: back, path: target("back-in-sqlite") });
      expect((await whatIsKept(project, join(inSqlite.cwd, ".slipway"))).versions).toEqual(
        (await whatIsKept(project)).versions,
      );
    } finally {
      await postgres.remove();
    }
  });
});
