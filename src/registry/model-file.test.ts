import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installationId, writeBundle } from "../bundle/index.ts";
import { canonicalJson, createRandom, type Digest } from "../kernel/index.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { blobsOfVersion, encodeCarriedVersion, readModelFile, writeModelFile } from "./model-file.ts";
import type { CarriedVersion } from "./provenance.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const spelt = (key: KeyObject): string => key.export({ format: "der", type: "spki" }).toString("base64");
const signature = (record: Uint8Array, key = privateKey) => ({
  publicKey: spelt(publicKey),
  signature: sign(null, record, key).toString("base64"),
});

let directory: string;
let blobs: BlobStore;
let carried: CarriedVersion;
let out: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "slipway-model-file-"));
  blobs = openFileBlobs(join(directory, "blobs"));
  out = join(directory, "late-3.slipway");
  const { digest: bundle, manifest } = await writeBundle(blobs, {
    engine: "forest",
    model: Buffer.from([1, 2, 3]),
    plan: { features: [] },
    signature: {
      inputs: [{ name: "date", type: "timestamp", required: true }],
      output: { name: "late", task: "binary" },
    },
    profile: {},
  });
  const source = await blobs.put(Buffer.from("the file it was made from"));
  const recipe = { format: "slipway.import/1", source };
  carried = {
    format: "slipway.model/1",
    version: {
      ...{ bundle, status: "accepted", dataset: "flights", snapshot: null, recipe, metrics: {}, gates: [] },
      ...{ plan: manifest.files.features.digest, code: { commit: null } },
    },
    origin: [
      {
        ...{
          installation: installationId(spelt(publicKey)),
          publicKey: spelt(publicKey),
          model: "late",
          version: 3,
        },
        ...{ run: "run_1", actor: "ann", reason: null, registeredAt: 1_700_000_000_000 },
        journal: [
          {
            sequence: 4,
            at: 1_700_000_000_000,
            actor: "ann",
            action: "version.registered",
            reason: null,
            details: {},
          },
        ],
      },
    ],
    blobs: await blobsOfVersion(blobs, { bundle, recipe }),
  };
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function write(version: CarriedVersion = carried, to = out, key = privateKey): Promise<void> {
  const record = encodeCarriedVersion(version);
  await writeModelFile({
    ...{ out: to, record, signature: signature(record, key), contents: version.blobs, blobs },
  });
}

async function read(file = out): Promise<{ target: BlobStore; read?: CarriedVersion; error?: unknown }> {
  const target = openFileBlobs(mkdtempSync(join(directory, "target-")));
  try {
    return { target, read: await readModelFile({ file, blobs: target }) };
  } catch (error) {
    return { target, error };
  }
}

async function digests(store: BlobStore): Promise<Digest[]> {
  const found: Digest[] = [];
  for await (const digest of store.list()) found.push(digest);
  return found;
}

const rewritten = (change: (record: Record<string, unknown>) => void): CarriedVersion => {
  const copy = JSON.parse(canonicalJson(carried));
  change(copy);
  return copy;
};

describe("a model file", () => {
  it("gives back the version, its blobs and where it comes from", async () => {
    await write();
    const { target, read: found } = await read();
    expect(found).toEqual(carried);
    expect(await digests(target)).toEqual(carried.blobs.map(({ digest }) => digest).sort());
    expect(readdirSync(join(target.directory, "tmp"))).toEqual([]);
    expect(carried.blobs).toHaveLength(6);
  });

  it("has the same bytes for the same version", async () => {
    await write();
    await write(carried, `${out}.again`);
    expect(readFileSync(out).equals(readFileSync(`${out}.again`))).toBe(true);
  });

  it("is refused whichever byte is altered, and stores nothing", async () => {
    await write();
    const whole = readFileSync(out);
    const random = createRandom("flips");
    for (let flip = 0; flip < 60; flip++) {
      const altered = Buffer.from(whole);
      const at = random.integer(altered.length);
      altered[at] = (altered[at] ?? 0) ^ (1 << random.integer(8));
      writeFileSync(`${out}.altered`, altered);
      const { target, error } = await read(`${out}.altered`);
      expect(error, `byte ${at}`).toMatchObject({ code: "STORAGE_ARCHIVE_DAMAGED" });
      expect(await digests(target)).toEqual([]);
      expect(readdirSync(join(target.directory, "tmp"))).toEqual([]);
    }
  });

  it("is refused wherever it ends early, and stores nothing", async () => {
    await write();
    const whole = readFileSync(out);
    for (let bytes = 0; bytes < whole.length; bytes += 1536) {
      writeFileSync(`${out}.cut`, whole.subarray(0, bytes));
      const { target, error } = await read(`${out}.cut`);
      expect(error, `${bytes} bytes`).toMatchObject({ code: "STORAGE_ARCHIVE_DAMAGED" });
      expect(await digests(target)).toEqual([]);
    }
  });

  it("is refused when what was signed is another's, or was signed by another", async () => {
    const { privateKey: another } = generateKeyPairSync("ed25519");
    await write(carried, out, another);
    expect((await read()).error).toMatchObject({ code: "STORAGE_ARCHIVE_DAMAGED" });
    const foreign = rewritten((record) => {
      (record.origin as Record<string, unknown>[])[0]!.installation = "0".repeat(64);
    });
    await write(foreign, `${out}.foreign`);
    expect((await read(`${out}.foreign`)).error).toMatchObject({ code: "STORAGE_ARCHIVE_DAMAGED" });
  });

  it("is refused when it lacks a file that the version needs, even though it is signed so", async () => {
    for (const [index, { digest }] of carried.blobs.entries()) {
      const lacking = rewritten((record) => {
        (record.blobs as unknown[]).splice(index, 1);
      });
      await write(lacking, `${out}.${index}`);
      expect((await read(`${out}.${index}`)).error, digest).toMatchObject({
        code: "STORAGE_ARCHIVE_DAMAGED",
        message: expect.stringMatching(/does not hold/),
      });
    }
  });

  it("of a newer format, or with fields that are not what they should be, is refused as that", async () => {
    await write(rewritten((record) => (record.format = "slipway.model/2")));
    expect((await read()).error).toMatchObject({ code: "STORAGE_ARCHIVE_UNSUPPORTED" });
    await write(
      rewritten((record) => {
        (record.version as Record<string, unknown>).status = "splendid";
      }),
      `${out}.status`,
    );
    expect((await read(`${out}.status`)).error).toMatchObject({
      code: "STORAGE_ARCHIVE_DAMAGED",
      message: expect.stringContaining("version.status"),
    });
  });
});
