import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ControlContext } from "../../src/app/control-context.ts";
import { garbageHandlers } from "../../src/app/garbage-handlers.ts";
import { openInstallation } from "../../src/app/installation.ts";
import { LogUse } from "../../src/app/log-use.ts";
import { openStateDirectory, type StateDirectory } from "../../src/app/state-directory.ts";
import { bundleBlobs, readManifest as readBundleManifest } from "../../src/bundle/index.ts";
import { ingest, type SnapshotManifest } from "../../src/datasets/index.ts";
import { pngOf } from "../../src/images/testing/png.ts";
import { canonicalJson, type Digest, digestOf } from "../../src/kernel/index.ts";
import {
  blobsOfVersion,
  type CarriedVersion,
  createRegistry,
  encodeCarriedVersion,
  type Registry,
  readModelFile,
  writeModelFile,
} from "../../src/registry/index.ts";
import { createDataPlane } from "../../src/serving/index.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "../../src/serving/testing/small-bundle.ts";
import { type BlobStore, type Database, openDatabase, openFileBlobs } from "../../src/storage/index.ts";
import type { OperationContext, OperationOutput } from "../../src/wire/index.ts";

const DAY = 86_400_000;
const actor = "ann";

let folder: string;
let state: StateDirectory;
let database: Database;
let registry: Registry;
let blobs: BlobStore;
let now: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-garbage-"));
  state = openStateDirectory(join(folder, "state"));
  database = await openDatabase({ sqlitePath: state.database });
  now = Date.now() - 30 * DAY;
  registry = createRegistry(database, { clock: () => now });
  blobs = openFileBlobs(state.blobs);
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const collect = (options: { dryRun?: boolean; graceMs?: number } = {}): Promise<OperationOutput<"gc">> => {
  const context = {
    registry,
    state,
    blobs,
    clock: () => now,
    logUse: new LogUse(),
    closing: new AbortController().signal,
  } as unknown as ControlContext;
  const call: OperationContext = { actor, signal: new AbortController().signal, onProgress: () => undefined };
  return garbageHandlers(context).gc({ dryRun: false, graceMs: DAY, ...options }, call);
};

/** A snapshot recorded `now`, whose blobs were written then. */
async function record(
  dataset: string,
  rows: number,
): Promise<{ digest: Digest; manifest: SnapshotManifest }> {
  const lines = Array.from({ length: rows }, (_, at) => `${at},${dataset}`).join("\n");
  await writeFile(join(folder, "in.csv"), `n,name\n${lines}\n`);
  const source = { format: "csv", glob: "in.csv" } as const;
  const columns = { n: "int", name: "category" } as const;
  const taken = await ingest({ name: dataset, spec: { source, columns }, root: folder, blobs });
  const manifestBlob = await blobs.put(Buffer.from(canonicalJson(taken.manifest)));
  await registry.recordSnapshot({
    dataset,
    digest: taken.digest,
    manifestBlob,
    rowCount: taken.manifest.rowCount,
    actor,
  });
  for (const blob of [manifestBlob, ...taken.manifest.parts.map((part) => part.blob)]) await use(blob);
  return taken;
}

async function use(...digests: readonly Digest[]): Promise<void> {
  for (const digest of digests) await utimes(blobs.path(digest), now / 1000, now / 1000);
}

const partsOf = ({ manifest }: { manifest: SnapshotManifest }): Digest[] =>
  manifest.parts.map(({ blob }) => blob);

async function logPrediction(bundle: Digest): Promise<void> {
  const plane = createDataPlane({ blobs, logDirectory: state.log, clock: () => now });
  await plane.apply(routingOf(1, [bundle]));
  await new Promise((resolve, reject) => {
    plane.predict(
      plane.find("late"),
      { records: [FLIGHT], json: undefined },
      { acknowledge: () => resolve(undefined), refuse: reject },
    );
  });
  await plane.close();
}

async function stored(): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const digest of blobs.list()) found.push(digest);
  return found;
}

describe("garbage collection", () => {
  it("keeps the newest, the tagged and what versions are made of, and removes the rest after the grace period", async () => {
    const tagged = await record("ads", 10);
    const built = await record("ads", 20);
    const old = await record("ads", 30);
    const newest = await record("ads", 40);
    await registry.tagSnapshot({ dataset: "ads", name: "kept", snapshot: tagged.digest, actor });
    const bundle = await writeSmallBundle(blobs, { base: 1 });
    const bundleFiles = bundleBlobs(bundle, await readBundleManifest(blobs, bundle));
    await registry.registerVersion({
      model: "late",
      bundle,
      status: "accepted",
      run: "run_1",
      dataset: "ads",
      snapshot: built.digest,
      plan: digestOf("plan"),
      recipe: {},
      metrics: {},
      gates: [],
      code: {},
      actor,
    });
    const stray = await blobs.put(Buffer.from("left by a run that was killed"));
    await use(stray, ...bundleFiles);
    now += 2 * DAY;
    const fresh = await blobs.put(Buffer.from("just written, not yet recorded"));
    await use(fresh);

    const before = await stored();
    const wouldGo = await collect({ dryRun: true });
    expect(wouldGo.snapshots.map(({ digest }) => digest)).toEqual([old.digest]);
    // The snapshot's manifest and part, and the stray.
    expect(wouldGo.removed.blobs).toBe(3);
    expect(await stored()).toEqual(before);

    const gone = await collect();
    expect({ ...gone, durationMs: 0, dryRun: true }).toEqual({ ...wouldGo, durationMs: 0 });
    const left = await stored();
    for (const digest of [...partsOf(old), stray]) expect(left).not.toContain(digest);
    for (const digest of [...partsOf(tagged), ...partsOf(built), ...partsOf(newest), ...bundleFiles, fresh])
      expect(left).toContain(digest);
    expect(gone.kept).toMatchObject({ blobs: left.length, recent: 1 });
    expect((await registry.snapshots("ads")).map(({ digest }) => digest)).not.toContain(old.digest);
    const [blobsRemoved, snapshotsRemoved] = await registry.journal({ limit: 2 });
    expect(blobsRemoved).toMatchObject({ action: "blobs.removed", details: { ...gone.removed }, actor });
    expect(snapshotsRemoved).toMatchObject({
      action: "snapshots.removed",
      details: { snapshots: [`ads@${old.digest}`] },
    });
    expect((await registry.verifyJournal()).faults).toEqual([]);
    expect((await collect()).removed).toEqual({ blobs: 0, bytes: 0 });
  });

  it("keeps what has been used since an unfinished run began, however long ago", async () => {
    const first = await record("ads", 10);
    now += DAY;
    await registry.startRun({
      id: "run_long",
      model: "late",
      actor,
      owner: "here/1",
      reason: undefined,
      details: {},
    });
    now += 1000;
    const written = await blobs.put(Buffer.from("written by the run"));
    await use(written);
    await record("ads", 20);
    now += 10 * DAY;
    expect(await collect({ graceMs: 0 })).toMatchObject({ snapshots: [], removed: { blobs: 0 } });
    await registry.finishRun({ id: "run_long", state: "failed", actor, outcome: {} });
    const after = await collect({ graceMs: 0 });
    expect(after.snapshots.map(({ digest }) => digest)).toEqual([first.digest]);
    expect(await stored()).not.toContain(written);
  });

  it("keeps the bundles that the prediction log names", async () => {
    const [logged, forgotten] = [
      await writeSmallBundle(blobs, { base: 1 }),
      await writeSmallBundle(blobs, { base: 2 }),
    ];
    const keep = bundleBlobs(logged, await readBundleManifest(blobs, logged));
    await use(...(await stored()));
    await logPrediction(logged);
    now += 2 * DAY;
    const { removed } = await collect();
    expect(removed.blobs).toBeGreaterThan(0);
    const left = await stored();
    expect(left).not.toContain(forgotten);
    expect(left.sort()).toEqual([...new Set(keep)].sort());
  });

  it("never takes less than a minute as the grace period", async () => {
    const written = await blobs.put(Buffer.from("a second ago"));
    now = Date.now() + 1000;
    expect((await collect({ graceMs: 0 })).kept).toMatchObject({ blobs: 1, recent: 1 });
    expect(await stored()).toEqual([written]);
  });

  it("keeps all of a version that came from another installation, the file it was made from too", async () => {
    const elsewhere = openFileBlobs(join(folder, "elsewhere"));
    const { version, file } = await exportFrom(elsewhere);
    const carried = await readModelFile({ file, blobs });
    for (const { digest } of carried.blobs) await use(digest);
    await registry.registerVersion({
      ...{ ...carried.version, model: "late", run: null, actor, origin: carried.origin },
    });
    const garbage = await blobs.put(Buffer.from("nobody's"));
    await use(garbage);
    now += 10 * DAY;
    await collect();
    expect(await stored()).toEqual(version.blobs.map(({ digest }) => digest).sort());
  });
});

/** A version that another installation registered, as it leaves it. */
async function exportFrom(elsewhere: BlobStore): Promise<{ version: CarriedVersion; file: string }> {
  const bundle = await writeSmallBundle(elsewhere, { base: 7 });
  const recipe = { format: "slipway.import/1", source: await elsewhere.put(Buffer.from("tree")) };
  const installation = openInstallation({ installationKey: join(folder, "elsewhere.key") });
  const { id, publicKey } = installation;
  const contents = await blobsOfVersion(elsewhere, { bundle, recipe });
  const step = { installation: id, publicKey, model: "late", version: 1, run: null, actor, reason: null };
  const version: CarriedVersion = {
    format: "slipway.model/1",
    version: {
      ...{ bundle, status: "accepted", dataset: null, snapshot: null, plan: null, recipe, metrics: {} },
      ...{ gates: [], code: {} },
    },
    origin: [{ ...step, registeredAt: now, journal: [] }],
    blobs: contents,
  };
  const record = encodeCarriedVersion(version);
  const file = join(folder, "late-1.slipway");
  const signature = installation.sign(record);
  await writeModelFile({ out: file, record, signature, contents, blobs: elsewhere });
  return { version, file };
}

it("keeps the images of a snapshot, what is known of them, and its rejects", async () => {
  await writeFile(
    join(folder, "red.png"),
    pngOf({ width: 2, height: 2 }, () => [255, 0, 0]),
  );
  await writeFile(join(folder, "in.csv"), "photo\nred.png\ngone.png\n");
  const taken = await ingest({
    name: "photos",
    spec: {
      source: { format: "csv", glob: "in.csv" },
      columns: { photo: "image" },
      onBadRow: "quarantine",
      maxBadRowShare: 0.5,
    },
    root: folder,
    blobs,
  });
  const manifestBlob = await blobs.put(Buffer.from(canonicalJson(taken.manifest)));
  await registry.recordSnapshot({
    dataset: "photos",
    digest: taken.digest,
    manifestBlob,
    rowCount: taken.manifest.rowCount,
    actor,
  });
  const loose = await blobs.put(Buffer.from("nobody needs this"));
  const stored: Digest[] = [];
  for await (const digest of blobs.list()) stored.push(digest);
  await use(...stored);
  now += 10 * DAY;
  await collect();
  // Manifest, rows, image, what is known of it, rejects.
  expect(stored).toHaveLength(6);
  for (const digest of stored) expect(await blobs.has(digest)).toBe(digest !== loose);
});
