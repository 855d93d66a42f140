import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson, type Digest, digestOf } from "../../src/kernel/index.ts";
import { createRegistry, type NewVersion, type Registry } from "../../src/registry/index.ts";
import { chainEntry, GENESIS, type JournalEntry } from "../../src/registry/journal.ts";
import { type Database, openDatabase } from "../../src/storage/index.ts";
import { type DatabasePlace, databaseKinds } from "../databases.ts";

const kinds = await databaseKinds();
const bundle = (name: string | number): Digest => digestOf(`bundle ${name}`);
const actor = "ann";
/** Those that refer to others first. */
const TABLES = [
  "reproductions",
  "aliases",
  "snapshot_tags",
  "snapshot_validations",
  "versions",
  "models",
  "runs",
  "snapshots",
  "routing",
  "journal",
] as const;

describe.each(kinds)("a registry on $name", (kind) => {
  let place: DatabasePlace;
  let database: Database;
  let registry: Registry;
  let now: number;

  beforeAll(async () => {
    place = await kind.create();
    database = await openDatabase(place.target);
  });

  beforeEach(async () => {
    await database.write(async (transaction) => {
      for (const table of TABLES) await transaction.deleteFrom(table).execute();
    });
    now = 1_700_000_000_000;
    registry = createRegistry(database, { clock: () => now++ });
  });

  afterAll(async () => {
    await database.close();
    await place.remove();
  });

  const version = (name: string | number, changes: Partial<NewVersion> = {}): NewVersion => ({
    model: "late",
    bundle: bundle(name),
    status: "accepted",
    run: "run_1",
    dataset: "flights",
    snapshot: digestOf("rows"),
    plan: digestOf("plan"),
    recipe: { seed: 1, trainer: { kind: "gbdt" } },
    metrics: { auc: 0.71 },
    gates: [{ gate: "auc at least 0.6", outcome: "passed" }],
    code: { slipway: "0.1.0", commit: "abc" },
    actor,
    ...changes,
  });
  const register = async (...names: (string | number)[]): Promise<void> => {
    for (const name of names) await registry.registerVersion(version(name));
  };
  const champion = (number: number, changes: { force?: boolean; reason?: string } = {}) =>
    registry.setAlias({ model: "late", alias: "champion", version: number, actor, ...changes });
  const actions = async () => (await registry.journal()).map(({ action }) => action).reverse();
  const isWhole = async () => expect((await registry.verifyJournal()).faults).toEqual([]);

  describe("snapshots", () => {
    const snapshot = (rows: string) => ({
      dataset: "flights",
      digest: digestOf(rows),
      manifestBlob: digestOf(`manifest of ${rows}`),
      rowCount: 3,
      actor,
    });

    it("are found newest first, by digest, by the beginning of one and as latest", async () => {
      expect(await registry.recordSnapshot(snapshot("a"))).toBe(true);
      await registry.recordSnapshot(snapshot("b"));
      await registry.recordSnapshot({ ...snapshot("c"), dataset: "churn" });
      expect((await registry.snapshots("flights")).map(({ digest }) => digest)).toEqual([
        digestOf("b"),
        digestOf("a"),
      ]);
      expect(await registry.snapshots()).toHaveLength(3);
      expect(await registry.snapshots("none")).toEqual([]);
      expect(await registry.snapshot("flights", "latest")).toEqual({
        dataset: "flights",
        digest: digestOf("b"),
        manifestBlob: digestOf("manifest of b"),
        rowCount: 3,
        recordedAt: 1_700_000_000_001,
        actor,
      });
      expect((await registry.snapshot("flights", digestOf("a"))).digest).toBe(digestOf("a"));
      expect((await registry.snapshot("flights", digestOf("a").slice(0, 8).toUpperCase())).digest).toBe(
        digestOf("a"),
      );
      await isWhole();
    });

    it("recorded again change nothing, unless another one was newer", async () => {
      await registry.recordSnapshot(snapshot("a"));
      expect(await registry.recordSnapshot(snapshot("a"))).toBe(false);
      await registry.recordSnapshot(snapshot("b"));
      expect(await registry.recordSnapshot(snapshot("a"))).toBe(true);
      expect((await registry.snapshot("flights", "latest")).digest).toBe(digestOf("a"));
      expect(await registry.snapshots("flights")).toHaveLength(2);
      expect(await actions()).toEqual(Array(3).fill("snapshot.recorded"));
    });

    it("keep their last validation, and are compared with the last one before that was not refused", async () => {
      for (const rows of ["a", "b", "c"]) await registry.recordSnapshot(snapshot(rows));
      const found = { dataset: "flights", digest: digestOf("b"), actor, report: { anomalies: [] } };
      expect(await registry.validation("flights", digestOf("b"))).toBeUndefined();
      expect((await registry.snapshotBefore("flights", digestOf("c")))?.digest).toBe(digestOf("b"));
      await registry.recordValidation({ ...found, errors: 0, warnings: 2 });
      expect((await registry.snapshotBefore("flights", digestOf("c")))?.digest).toBe(digestOf("b"));
      await registry.recordValidation({
        ...found,
        errors: 1,
        warnings: 0,
        report: { anomalies: [{ rows: 1 }] },
      });
      expect(await registry.validation("flights", digestOf("b"))).toMatchObject({
        errors: 1,
        warnings: 0,
        report: { anomalies: [{ rows: 1 }] },
        actor,
      });
      expect((await registry.snapshotBefore("flights", digestOf("c")))?.digest).toBe(digestOf("a"));
      expect(await registry.snapshotBefore("flights", digestOf("a"))).toBeUndefined();
      expect((await registry.snapshotBefore("flights", digestOf("new")))?.digest).toBe(digestOf("c"));
      await expect(
        registry.recordValidation({ ...found, digest: digestOf("none"), errors: 0, warnings: 0 }),
      ).rejects.toMatchObject({ code: "REGISTRY_UNKNOWN_SNAPSHOT" });
      expect((await actions()).slice(3)).toEqual(["snapshot.validated", "snapshot.validated"]);
      now += 1000;
      const { unused } = await registry.removeUnusedSnapshots({ since: now, actor });
      expect(unused.map(({ digest }) => digest)).toContain(digestOf("b"));
      expect(await registry.validation("flights", digestOf("b"))).toBeUndefined();
      await isWhole();
    });

    it("have movable tags, which stand wherever a snapshot is named", async () => {
      await registry.recordSnapshot(snapshot("a"));
      await registry.recordSnapshot(snapshot("b"));
      const tag = { dataset: "flights", name: "gold-1", actor };
      expect(await registry.tagSnapshot({ ...tag, snapshot: digestOf("a").slice(0, 9) })).toEqual({
        ...tag,
        digest: digestOf("a"),
        changedAt: 1_700_000_000_002,
        previous: null,
      });
      expect((await registry.snapshot("flights", "gold-1")).digest).toBe(digestOf("a"));
      expect(await registry.tagSnapshot({ ...tag, snapshot: "latest", reason: "better" })).toMatchObject({
        digest: digestOf("b"),
        previous: digestOf("a"),
      });
      await registry.tagSnapshot({ ...tag, snapshot: "gold-1" });
      await registry.tagSnapshot({ ...tag, name: "same", snapshot: "gold-1" });
      expect((await registry.snapshotTags("flights")).map(({ name }) => name)).toEqual(["gold-1", "same"]);
      expect((await registry.untagSnapshot(tag)).digest).toBe(digestOf("b"));
      await expect(registry.untagSnapshot(tag)).rejects.toMatchObject({ code: "REGISTRY_UNKNOWN_TAG" });
      await expect(registry.snapshot("flights", "gold-1")).rejects.toMatchObject({
        code: "REGISTRY_UNKNOWN_SNAPSHOT",
      });
      for (const name of ["latest", "beef", "12", "", "a b", "x".repeat(64)]) {
        await expect(registry.tagSnapshot({ ...tag, name, snapshot: "latest" })).rejects.toMatchObject({
          code: "REGISTRY_BAD_NAME",
        });
      }
      expect((await actions()).slice(2)).toEqual([...Array(3).fill("snapshot.tagged"), "snapshot.untagged"]);
      await isWhole();
    });

    it("are found by a time at which they were the newest, also those that became it again", async () => {
      const at = async (rows: string): Promise<number> => {
        await registry.recordSnapshot(snapshot(rows));
        return now - 1;
      };
      const times = [await at("a"), await at("b"), await at("a")];
      await registry.recordSnapshot({ ...snapshot("other"), dataset: "churn" });
      const found = await Promise.all(times.map((time) => registry.snapshotAsOf("flights", time)));
      expect(found.map(({ digest }) => digest)).toEqual([digestOf("a"), digestOf("b"), digestOf("a")]);
      expect(found.map(({ recordedAt }) => recordedAt)).toEqual(times);
      expect((await registry.snapshotAsOf("flights", now + 1e9)).digest).toBe(digestOf("a"));
      await expect(registry.snapshotAsOf("flights", times[0]! - 1)).rejects.toMatchObject({
        code: "REGISTRY_UNKNOWN_SNAPSHOT",
        message: expect.stringContaining("2023-11-14"),
      });
    });

    it("that nothing needs are removed; the newest, tagged ones and those of versions stay", async () => {
      for (const rows of ["tagged", "built", "old", "recent", "newest"])
        await registry.recordSnapshot(snapshot(rows));
      await registry.recordSnapshot({ ...snapshot("only"), dataset: "churn" });
      await registry.tagSnapshot({ dataset: "flights", name: "kept", snapshot: digestOf("tagged"), actor });
      await registry.registerVersion(version(1, { snapshot: digestOf("built") }));
      const digests = (records: readonly { digest: Digest }[]) => records.map(({ digest }) => digest).sort();
      // At this time "recent" was the newest, and so it may be in use.
      const since = 1_700_000_000_003;
      expect(digests((await registry.unusedSnapshots(since)).unused)).toEqual([digestOf("old")]);
      const { unused, kept } = await registry.removeUnusedSnapshots({ since, actor });
      expect(digests(unused)).toEqual([digestOf("old")]);
      expect(kept).toHaveLength(5);
      await expect(registry.snapshotAsOf("flights", since - 1)).rejects.toMatchObject({
        message: expect.stringContaining("removed by garbage collection"),
      });
      expect((await registry.removeUnusedSnapshots({ since: now, actor })).unused).toHaveLength(1);
      expect((await registry.removeUnusedSnapshots({ since: now, actor })).unused).toEqual([]);
      expect((await actions()).filter((action) => action === "snapshots.removed")).toHaveLength(2);
      await registry.noteRemovedBlobs({ blobs: 2, bytes: 10, actor });
      await isWhole();
    });

    it("that are not there, or not the only ones, are named", async () => {
      await registry.recordSnapshot(snapshot("a"));
      await registry.recordSnapshot(snapshot("b"));
      await expect(registry.snapshot("flights", "")).rejects.toMatchObject({ code: "REGISTRY_AMBIGUOUS" });
      for (const reference of ["0123", "%", "la_est"]) {
        await expect(registry.snapshot("flights", reference)).rejects.toMatchObject({
          code: "REGISTRY_UNKNOWN_SNAPSHOT",
          details: { dataset: "flights", snapshot: reference },
        });
      }
      await expect(registry.snapshot("churn", "latest")).rejects.toMatchObject({
        code: "REGISTRY_UNKNOWN_SNAPSHOT",
      });
      await expect(registry.recordSnapshot({ ...snapshot("a"), rowCount: 1.5 })).rejects.toMatchObject({
        code: "REGISTRY_BAD_RECORD",
      });
      await expect(registry.recordSnapshot({ ...snapshot("a"), dataset: "../x" })).rejects.toMatchObject({
        code: "REGISTRY_BAD_NAME",
      });
    });
  });

  describe("runs", () => {
    it("keep their steps with times and end once", async () => {
      await registry.startRun({ id: "run_a", model: "late", actor, owner: "pid 1", details: { threads: 2 } });
      const step = { name: "train", startedAt: 5, durationMs: null } as const;
      await registry.updateRun({ id: "run_a", step: { ...step, state: "running" } });
      await registry.updateRun({
        id: "run_a",
        step: { ...step, state: "finished", durationMs: 12, detail: "300 trees" },
      });
      await registry.finishRun({ id: "run_a", state: "succeeded", actor, outcome: { version: 1 } });
      expect(await registry.run("run_a")).toEqual({
        id: "run_a",
        model: "late",
        state: "succeeded",
        actor,
        owner: "pid 1",
        details: { threads: 2 },
        steps: [{ name: "train", state: "finished", startedAt: 5, durationMs: 12, detail: "300 trees" }],
        outcome: { version: 1 },
        createdAt: 1_700_000_000_000,
        startedAt: 1_700_000_000_000,
        updatedAt: 1_700_000_000_003,
        finishedAt: 1_700_000_000_003,
      });
      expect(await actions()).toEqual(["run.started", "run.finished"]);
      for (const late of [
        () => registry.finishRun({ id: "run_a", state: "failed", actor }),
        () => registry.updateRun({ id: "run_a", step: { ...step, state: "running" } }),
        () => registry.updateRun({ id: "run_a", state: "running" }),
      ]) {
        await expect(late()).rejects.toMatchObject({
          code: "REGISTRY_RUN_STATE",
          details: { run: "run_a", from: "succeeded" },
        });
      }
      await isWhole();
    });

    it("may wait before they begin, and be cancelled then", async () => {
      await registry.startRun({ id: "run_a", model: "late", actor, state: "queued" });
      await registry.startRun({ id: "run_b", model: "late", actor, state: "queued" });
      expect(await registry.updateRun({ id: "run_a", state: "running" })).toMatchObject({
        state: "running",
        startedAt: 1_700_000_000_002,
      });
      expect(await registry.finishRun({ id: "run_b", state: "cancelled", actor })).toMatchObject({
        startedAt: null,
      });
      await registry.startRun({ id: "run_c", model: "late", actor, state: "queued" });
      await expect(registry.finishRun({ id: "run_c", state: "succeeded", actor })).rejects.toMatchObject({
        code: "REGISTRY_RUN_STATE",
        message: expect.stringContaining("queued and cannot become succeeded"),
      });
    });

    it("are listed newest first, and found by the beginning of their id", async () => {
      for (const id of ["run_a1", "run_a2", "run_b1"]) await registry.startRun({ id, model: "late", actor });
      await registry.startRun({ id: "run_c1", model: "churn", actor });
      expect((await registry.runs("late")).map(({ id }) => id)).toEqual(["run_b1", "run_a2", "run_a1"]);
      expect(await registry.runs(undefined, { limit: 2 })).toHaveLength(2);
      expect((await registry.run("run_b")).id).toBe("run_b1");
      await expect(registry.run("run_a")).rejects.toMatchObject({ code: "REGISTRY_AMBIGUOUS" });
      await expect(registry.run("runXa")).rejects.toMatchObject({ code: "REGISTRY_UNKNOWN_RUN" });
      await expect(registry.startRun({ id: "run_a1", model: "late", actor })).rejects.toMatchObject({
        code: "REGISTRY_RUN_EXISTS",
      });
    });

    it("of processes that are gone become interrupted, with the steps they were at", async () => {
      for (const owner of ["gone", "alive"]) {
        await registry.startRun({ id: owner, model: "late", actor, owner });
        await registry.updateRun({
          id: owner,
          step: { name: "train", state: "running", startedAt: 1, durationMs: null },
        });
      }
      await registry.startRun({ id: "done", model: "late", actor, owner: "gone" });
      await registry.finishRun({ id: "done", state: "failed", actor, outcome: { error: "no memory" } });
      const interrupted = await registry.interruptStaleRuns({
        actor: "slipway",
        isAlive: (run) => run.owner === "alive",
      });
      expect(interrupted.map(({ id, state, steps }) => [id, state, steps[0]?.state])).toEqual([
        ["gone", "interrupted", "interrupted"],
      ]);
      expect((await registry.runs()).map(({ id, state }) => [id, state])).toEqual([
        ["done", "failed"],
        ["alive", "running"],
        ["gone", "interrupted"],
      ]);
      expect((await registry.journal({ limit: 1 }))[0]).toMatchObject({
        actor: "slipway",
        action: "run.finished",
        reason: "its process went away",
        details: { run: "gone", state: "interrupted" },
      });
    });
  });

  describe("versions", () => {
    it("of another installation keep where they come from, and change nothing of what is here", async () => {
      await registry.startRun({ id: "run_1", model: "late", actor });
      await register("a");
      await champion(1, { reason: "good" });
      const carried = await registry.carriedVersion({
        ...{ model: "late", version: 1, installation: digestOf("key"), publicKey: "key", blobs: [] },
      });
      expect(carried.version).toMatchObject({
        bundle: bundle("a"),
        snapshot: digestOf("rows"),
        status: "accepted",
      });
      expect(carried.origin).toMatchObject([
        { model: "late", version: 1, run: "run_1", actor, publicKey: "key" },
      ]);
      expect(carried.origin[0]?.journal.map(({ action }) => action)).toEqual([
        "run.started",
        "version.registered",
        "alias.moved",
      ]);
      const brought = { ...carried.version, model: "later", run: null, actor: "bob", origin: carried.origin };
      expect(await registry.registerVersion(brought)).toMatchObject({ version: 1, alreadyRegistered: false });
      expect((await registry.version("later", 1)).origin).toEqual(carried.origin);
      const [entry] = await registry.journal({ limit: 1 });
      expect(entry?.details.origin).toEqual({ installation: digestOf("key"), model: "late", version: 1 });

      const rejectedThere = { ...brought, model: "late", status: "rejected" } as const;
      expect(await registry.registerVersion(rejectedThere)).toEqual({
        ...{ version: 1, alreadyRegistered: true, status: "accepted", champion: true },
      });
      const exporting = { action: "version.exported", model: "late", actor } as const;
      await registry.notePortable({ ...exporting, details: { version: 1 } });
      const wanted = { installation: digestOf("other key"), publicKey: "other", blobs: [] };
      const again = await registry.carriedVersion({ ...wanted, model: "later", version: 1 });
      expect(again.origin.map(({ model, publicKey }) => [model, publicKey])).toEqual([
        ["late", "key"],
        ["later", "other"],
      ]);
      expect(await registry.carriedVersion({ ...wanted, model: "late", version: 1 })).toMatchObject({
        origin: [{ journal: carried.origin[0]?.journal }],
      });
      await isWhole();
    });

    it("are numbered from 1 for every model and keep their lineage", async () => {
      expect(await registry.registerVersion(version("a"))).toEqual({
        version: 1,
        alreadyRegistered: false,
        status: "accepted",
        champion: false,
      });
      expect(await registry.registerVersion(version("b", { reason: "more rows" }))).toMatchObject({
        version: 2,
      });
      expect(await registry.registerVersion(version("a", { model: "churn" }))).toMatchObject({ version: 1 });
      const { recipe, metrics, gates, code, ...wanted } = version("b");
      expect(await registry.version("late", 2)).toEqual({
        ...wanted,
        ...{ recipe, metrics, gates, code, origin: [] },
        version: 2,
        aliases: [],
        reason: "more rows",
        registeredAt: 1_700_000_000_001,
      });
      expect((await registry.versions("late")).map((each) => each.version)).toEqual([2, 1]);
      expect(await registry.versions("late", { limit: 1 })).toHaveLength(1);
      expect(await registry.versions("none")).toEqual([]);
      expect(await registry.models()).toEqual([
        { name: "churn", versions: 1, latest: 1, champion: null, createdAt: 1_700_000_000_002 },
        { name: "late", versions: 2, latest: 2, champion: null, createdAt: 1_700_000_000_000 },
      ]);
      await isWhole();
    });

    it("become champion when they are the first to be accepted and that was asked for", async () => {
      const first = { championIfFirst: true } as const;
      expect(await registry.registerVersion(version("a", { ...first, status: "rejected" }))).toMatchObject({
        champion: false,
      });
      expect(await registry.registerVersion(version("b", first))).toMatchObject({
        version: 2,
        champion: true,
      });
      expect(await registry.registerVersion(version("c", first))).toMatchObject({ champion: false });
      expect(await registry.registerVersion(version("b", first))).toMatchObject({ champion: true });
      expect(await registry.alias("late", "champion")).toBe(2);
      expect((await registry.routing()).generation).toBe(1);
      await isWhole();
    });

    it("are registered together with the end of their run, or not at all", async () => {
      await registry.startRun({ id: "run_1", model: "late", actor: "ann" });
      const wanted = version("a", { finishesRun: true, championIfFirst: true });
      expect(await registry.registerVersion(wanted)).toMatchObject({ version: 1 });
      expect(await registry.run("run_1")).toMatchObject({ state: "succeeded", outcome: { version: 1 } });
      const before = await actions();
      await expect(
        registry.registerVersion(version("b", { finishesRun: true, championIfFirst: true })),
      ).rejects.toMatchObject({ code: "REGISTRY_RUN_STATE" });
      expect(await actions()).toEqual(before);
      expect(await registry.versions("late")).toHaveLength(1);
      await isWhole();
    });

    it("of a bundle that the model has already are the version there is", async () => {
      await register("a", "b");
      expect(await registry.registerVersion(version("a", { run: "run_9" }))).toEqual({
        version: 1,
        alreadyRegistered: true,
        status: "accepted",
        champion: false,
      });
      expect((await registry.version("late", 1)).run).toBe("run_1");
      expect(await actions()).toHaveLength(2);
    });

    it("take the newest decision of their gates, which is journalled", async () => {
      await registry.registerVersion(version("a", { status: "rejected", gates: ["failed"] }));
      const again = version("a", {
        status: "accepted",
        gates: ["passed"],
        metrics: { auc: 0.8 },
        run: "run_2",
      });
      expect(await registry.registerVersion(again)).toEqual({
        version: 1,
        alreadyRegistered: true,
        status: "accepted",
        champion: false,
      });
      expect(await registry.version("late", 1)).toMatchObject({
        status: "accepted",
        gates: ["passed"],
        metrics: { auc: 0.8 },
        run: "run_1",
      });
      expect((await registry.journal({ limit: 1 }))[0]).toMatchObject({
        action: "version.reevaluated",
        details: { version: 1, before: "rejected", status: "accepted", run: "run_2" },
      });
      await isWhole();
    });

    it("are found by number, alias and as latest; others are named", async () => {
      await register("a", "b", "c");
      await champion(2);
      for (const [reference, number] of [
        [1, 1],
        ["1", 1],
        ["v3", 3],
        ["champion", 2],
        ["latest", 3],
      ] as const) {
        expect((await registry.version("late", reference)).version).toBe(number);
      }
      expect((await registry.version("late", 2)).aliases).toEqual(["champion"]);
      for (const reference of [0, -1, 4, 1.5, Number.NaN, "v4", "99999999999999"]) {
        await expect(registry.version("late", reference)).rejects.toMatchObject({
          code: "REGISTRY_UNKNOWN_VERSION",
        });
      }
      for (const reference of ["candidate", "", "v", "1.0", "toString"]) {
        await expect(registry.version("late", reference)).rejects.toMatchObject({
          code: "REGISTRY_UNKNOWN_ALIAS",
          details: { aliases: ["champion"] },
        });
      }
      await expect(registry.version("none", "latest")).rejects.toMatchObject({
        code: "REGISTRY_UNKNOWN_MODEL",
      });
    });

    it("are not registered half: what cannot be written leaves nothing", async () => {
      for (const changes of [{ metrics: { auc: Number.NaN } }, { recipe: () => 1 }]) {
        await expect(registry.registerVersion(version("a", changes))).rejects.toMatchObject({
          code: "KERNEL_NOT_CANONICAL",
        });
      }
      for (const changes of [{ model: "1late" }, { model: "" }, { actor: " " }, { model: "a/b" }]) {
        await expect(registry.registerVersion(version("a", changes))).rejects.toMatchObject({
          code: "REGISTRY_BAD_NAME",
        });
      }
      await expect(registry.registerVersion(version("a", { reason: "nul \0" }))).rejects.toMatchObject({
        code: "STORAGE_BAD_TEXT",
      });
      expect(await registry.models()).toEqual([]);
      expect(await registry.journal()).toEqual([]);
      expect(await registry.registerVersion(version("a"))).toMatchObject({ version: 1 });
    });

    it("remember the attempts to rebuild them", async () => {
      await register("a");
      await registry.recordReproduction({
        model: "late",
        version: 1,
        verdict: "different",
        details: { file: "model" },
        actor,
      });
      await registry.recordReproduction({ model: "late", version: 1, verdict: "identical", actor });
      expect(await registry.reproductions("late", 1)).toEqual([
        { model: "late", version: 1, verdict: "identical", details: null, actor, at: 1_700_000_000_002 },
        {
          model: "late",
          version: 1,
          verdict: "different",
          details: { file: "model" },
          actor,
          at: 1_700_000_000_001,
        },
      ]);
      await expect(
        registry.recordReproduction({ model: "late", version: 2, verdict: "identical", actor }),
      ).rejects.toMatchObject({ code: "REGISTRY_UNKNOWN_VERSION" });
      expect(await actions()).toEqual(["version.registered", "version.reproduced", "version.reproduced"]);
    });
  });

  describe("aliases", () => {
    it("move, and every move has the next routing generation", async () => {
      await register("a", "b");
      expect(await registry.routing()).toEqual({ format: "slipway.routing/1", generation: 0, models: [] });
      expect(await champion(1, { reason: "first" })).toEqual({
        model: "late",
        alias: "champion",
        version: 1,
        previous: null,
        generation: 1,
        forced: false,
        changed: true,
      });
      expect(await champion(2)).toMatchObject({ previous: 1, generation: 2 });
      expect(await registry.alias("late", "champion")).toBe(2);
      expect(await registry.alias("late", "candidate")).toBeUndefined();
      await registry.setAlias({ model: "late", alias: "candidate", version: 1, actor });
      expect(await registry.aliases("late")).toEqual([
        { name: "candidate", version: 1 },
        { name: "champion", version: 2 },
      ]);
      expect(await registry.routing()).toEqual({
        format: "slipway.routing/1",
        generation: 3,
        models: [
          {
            name: "late",
            versions: [
              { version: 1, bundle: bundle("a") },
              { version: 2, bundle: bundle("b") },
            ],
            champion: 2,
            aliases: { candidate: 1, champion: 2 },
          },
        ],
      });
      expect((await registry.models())[0]?.champion).toBe(2);
      expect((await registry.journal({ model: "late" })).reverse()[2]).toMatchObject({
        actor,
        action: "alias.moved",
        model: "late",
        reason: "first",
        details: {
          alias: "champion",
          version: 1,
          previous: null,
          forced: false,
          generation: 1,
          bundle: bundle("a"),
        },
      });
      await isWhole();
    });

    it("that name the version already do not move", async () => {
      await register("a");
      await champion(1);
      expect(await champion(1)).toMatchObject({ changed: false, previous: 1, generation: 1 });
      expect(await actions()).toEqual(["version.registered", "alias.moved"]);
    });

    it("make no rejected version champion without force, which is journalled", async () => {
      await registry.registerVersion(version("a", { status: "rejected" }));
      await expect(champion(1)).rejects.toMatchObject({
        code: "REGISTRY_REJECTED_VERSION",
        kind: "conflict",
        details: { model: "late", version: 1 },
        hint: expect.stringContaining("--force"),
      });
      expect(await registry.alias("late", "champion")).toBeUndefined();
      expect((await registry.routing()).generation).toBe(0);
      expect(await registry.setAlias({ model: "late", alias: "candidate", version: 1, actor })).toMatchObject(
        {
          forced: false,
        },
      );
      expect(await champion(1, { force: true, reason: "demonstration" })).toMatchObject({ forced: true });
      expect((await registry.journal({ limit: 1 }))[0]).toMatchObject({
        reason: "demonstration",
        details: { forced: true },
      });
      await register("b");
      expect(await champion(2, { force: true })).toMatchObject({ forced: false });
    });

    it("roll back to what they named before, and further", async () => {
      await register("a", "b", "c");
      const rollback = () =>
        registry.rollbackAlias({ model: "late", alias: "champion", actor, reason: "slow" });
      await expect(rollback()).rejects.toMatchObject({ code: "REGISTRY_NO_PREVIOUS" });
      for (const number of [1, 2, 3]) await champion(number);
      await registry.setAlias({ model: "late", alias: "candidate", version: 3, actor });
      expect(await registry.previousTarget("late", "champion")).toBe(2);
      expect(await rollback()).toMatchObject({ version: 2, previous: 3, generation: 5 });
      expect(await registry.previousTarget("late", "champion")).toBe(1);
      expect(await rollback()).toMatchObject({ version: 1, previous: 2 });
      await expect(rollback()).rejects.toMatchObject({ code: "REGISTRY_NO_PREVIOUS" });
      expect((await registry.journal({ limit: 1 }))[0]).toMatchObject({
        action: "alias.rolled-back",
        reason: "slow",
      });
      await champion(3);
      expect(await registry.previousTarget("late", "champion")).toBe(1);
      await isWhole();
    });

    it("name only versions there are, by names that are no numbers", async () => {
      await register("a");
      await expect(champion(2)).rejects.toMatchObject({ code: "REGISTRY_UNKNOWN_VERSION" });
      for (const alias of ["", "latest", "v3", "3", "Champion", "a b", "a".repeat(64)]) {
        await expect(registry.setAlias({ model: "late", alias, version: 1, actor })).rejects.toMatchObject({
          code: "REGISTRY_BAD_NAME",
        });
      }
      expect((await registry.routing()).generation).toBe(0);
    });
  });

  describe("the journal", () => {
    it("is read in pages, newest first, for one model or all", async () => {
      await register("a", "b", "c");
      await registry.registerVersion(version("a", { model: "churn" }));
      const sequences = async (filter: Parameters<Registry["journal"]>[0]) =>
        (await registry.journal(filter)).map(({ sequence }) => sequence);
      expect(await sequences({})).toEqual([4, 3, 2, 1]);
      expect(await sequences({ limit: 2 })).toEqual([4, 3]);
      expect(await sequences({ limit: 2, before: 3 })).toEqual([2, 1]);
      expect(await sequences({ model: "late" })).toEqual([3, 2, 1]);
    });

    it("shows what was changed past it", async () => {
      await register("a", "b");
      await champion(1);
      const head = (await registry.verifyJournal()).head;
      expect(head).toBe((await registry.journal({ limit: 1 }))[0]?.hash);
      const faults = async () => (await registry.verifyJournal()).faults.map(({ fault }) => fault);

      await database.kysely.updateTable("aliases").set({ version: 2 }).execute();
      expect(await faults()).toEqual(["alias late@champion is another one than the journal tells of"]);
      await database.kysely.updateTable("aliases").set({ version: 1 }).execute();

      await database.kysely
        .updateTable("versions")
        .set({ status: "rejected" })
        .where("version", "=", 2)
        .execute();
      expect(await faults()).toEqual(["version late@v2 is another one than the journal tells of"]);
      await database.kysely.deleteFrom("versions").where("version", "=", 2).execute();
      expect(await faults()).toEqual(["version late@v2 is in the journal and not registered"]);

      await database.kysely.deleteFrom("journal").where("sequence", "=", 2).execute();
      expect(await faults()).toEqual(["entry 3 follows entry 1"]);
      await database.kysely.deleteFrom("journal").where("sequence", ">", 1).execute();
      expect(await faults()).toEqual([
        "alias late@champion is registered and the journal does not tell of it",
        "the routing generation is 1 and the journal tells of 0",
      ]);
    });

    it("is checked over more entries than one page", async () => {
      const entries: JournalEntry[] = [];
      for (let i = 0; i < 1100; i++) {
        const note = {
          actor,
          action: "snapshot.recorded",
          model: null,
          reason: null,
          details: { i },
        } as const;
        entries.push(chainEntry(entries.at(-1) ?? GENESIS, note, i));
      }
      const rows = entries.map((entry) => ({ ...entry, details: canonicalJson(entry.details) }));
      await database.write(async (transaction) => {
        for (let i = 0; i < rows.length; i += 100) {
          await transaction
            .insertInto("journal")
            .values(rows.slice(i, i + 100))
            .execute();
        }
      });
      expect(await registry.verifyJournal()).toMatchObject({ entries: 1100, faults: [] });
      await database.kysely.deleteFrom("journal").where("sequence", "=", 1001).execute();
      expect((await registry.verifyJournal()).faults).toHaveLength(1);
    });
  });

  describe("used by many at once", () => {
    it("gives 8 registrations at the same time consecutive numbers", async () => {
      const databases = await Promise.all(Array.from({ length: 4 }, () => openDatabase(place.target)));
      try {
        const registries = databases.map((each) => createRegistry(each, { clock: () => now++ }));
        const registered = await Promise.all(
          Array.from({ length: 8 }, (_, i) => (registries[i % 4] ?? registry).registerVersion(version(i))),
        );
        expect(registered.map((each) => each.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        const same = await Promise.all(registries.map((each) => each.registerVersion(version("same"))));
        expect(same.map((each) => each.version)).toEqual([9, 9, 9, 9]);
        expect(same.filter((each) => !each.alreadyRegistered)).toHaveLength(1);
        await isWhole();
      } finally {
        for (const each of databases) await each.close();
      }
    });
  });
});
