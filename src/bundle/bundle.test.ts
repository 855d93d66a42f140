import { mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson, type Digest, digestOf } from "../kernel/index.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import {
  type BundleFile,
  type BundleParts,
  bundleBlobs,
  bundleDigest,
  openBundle,
  readManifest,
  writeBundle,
} from "./bundle.ts";
import { bundleErrors } from "./errors.ts";
import { outputWidth } from "./signature.ts";

const parts: BundleParts = {
  engine: "forest",
  model: Buffer.from([1, 2, 3, 250]),
  plan: { version: 1, features: ["hour", "origin"], mean: 0.1 },
  signature: {
    inputs: [
      { name: "date", type: "timestamp", required: true },
      { name: "origin", type: "category", required: false },
    ],
    output: { name: "late", task: "binary" },
  },
  profile: { rows: 10, columns: {} },
};

let directory: string;
let blobs: BlobStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-bundle-"));
  blobs = openFileBlobs(directory);
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Stores a manifest of somebody else's making and gives the bundle's digest. */
const storeManifest = (manifest: unknown): Promise<Digest> => blobs.put(Buffer.from(canonicalJson(manifest)));

describe("the windows of a bundle", () => {
  const windows = Buffer.from([7, 0, 255]);

  it("are a file of their own, and without them the bundle is the one it always was", async () => {
    const bare = await writeBundle(blobs, parts);
    expect(Object.keys(bare.manifest.files)).toEqual(["model", "features", "signature", "profile"]);
    expect("windows" in (await openBundle(blobs, bare.digest))).toBe(false);
    const { digest, manifest } = await writeBundle(blobs, { ...parts, windows });
    expect((await openBundle(blobs, digest)).windows).toEqual(windows);
    expect(bundleBlobs(digest, manifest)).toContain(digestOf(windows));
    expect(bundleBlobs(bare.digest, bare.manifest)).toHaveLength(5);
    expect(bundleDigest(await readManifest(blobs, digest))).toBe(digest);
  });

  it("are verified like all other files", async () => {
    const { digest } = await writeBundle(blobs, { ...parts, windows });
    truncateSync(blobs.path(digestOf(windows)), 1);
    await expect(openBundle(blobs, digest)).rejects.toMatchObject({
      code: "BUNDLE_DAMAGED",
      details: { file: "windows" },
    });
    unlinkSync(blobs.path(digestOf(windows)));
    await expect(openBundle(blobs, digest)).rejects.toThrow(/"windows".* is missing/);
  });
});

describe("the items of a bundle", () => {
  const items = {
    key: "movie",
    columns: ["movie", "year"],
    rows: [
      ["a", 1999],
      ["b", null],
    ],
  };

  it("are read back as they were written", async () => {
    const { digest, manifest } = await writeBundle(blobs, { ...parts, items });
    expect((await openBundle(blobs, digest)).items).toEqual(items);
    expect(bundleBlobs(digest, manifest)).toHaveLength(6);
  });

  it.each([
    ["of another format", { format: "slipway.items/2", ...items }],
    ["whose first column is not the key", { format: "slipway.items/1", ...items, key: "year" }],
    ["with a short row", { format: "slipway.items/1", ...items, rows: [["a"]] }],
    ["with an object in a row", { format: "slipway.items/1", ...items, rows: [["a", {}]] }],
    [
      "with an item twice",
      {
        format: "slipway.items/1",
        ...items,
        rows: [
          ["a", 1],
          ["a", 2],
        ],
      },
    ],
    ["with an item without a key", { format: "slipway.items/1", ...items, rows: [[null, 1]] }],
    ["that is no object", []],
  ])("are refused as a file %s", async (_, content) => {
    const { manifest } = await writeBundle(blobs, parts);
    const bytes = Buffer.from(canonicalJson(content));
    const digest = await blobs.put(bytes);
    const bundle = await storeManifest({
      ...manifest,
      files: { ...manifest.files, items: { digest, bytes: bytes.length } },
    });
    await expect(openBundle(blobs, bundle)).rejects.toMatchObject({
      code: "BUNDLE_DAMAGED",
      details: { file: "items" },
    });
  });
});

describe("a bundle", () => {
  it("opens as it was written", async () => {
    const { digest, manifest } = await writeBundle(blobs, parts);
    const opened = await openBundle(blobs, digest);
    expect(opened).toEqual({
      digest,
      manifest,
      plan: parts.plan,
      signature: parts.signature,
      profile: parts.profile,
      modelBytes: Buffer.from(parts.model),
    });
    expect(opened.manifest.task).toBe("binary");
    expect(bundleDigest(manifest)).toBe(digest);
  });

  it("has the digest of what is in it, whatever the order of its members", async () => {
    const { digest } = await writeBundle(blobs, parts);
    const reordered = { ...parts, plan: { mean: 0.1, features: ["hour", "origin"], version: 1 } };
    expect((await writeBundle(blobs, reordered)).digest).toBe(digest);
    expect((await writeBundle(blobs, { ...parts, engine: "linear" })).digest).not.toBe(digest);
    expect((await writeBundle(blobs, { ...parts, profile: { rows: 11, columns: {} } })).digest).not.toBe(
      digest,
    );
  });

  it("keeps its digest from release to release", async () => {
    const { digest } = await writeBundle(blobs, parts);
    // Computed by Python's json and hashlib.
    expect(digest).toBe("a3d52ddd3a98344a62170b2cdec2e64e6c90b915972e8c3f93397248516b33fb");
  });

  it("names every blob that it needs", async () => {
    const { digest, manifest } = await writeBundle(blobs, parts);
    const needed = bundleBlobs(digest, manifest);
    expect(needed).toHaveLength(5);
    const stored: Digest[] = [];
    for await (const each of blobs.list()) stored.push(each);
    expect(stored.sort()).toEqual([...needed].sort());
  });

  it("keeps how many numbers its model answers with, and the names of its classes", async () => {
    const output = { name: "kind", task: "multiclass", width: 3, classes: ["a", "b", "c"] } as const;
    const { digest } = await writeBundle(blobs, { ...parts, signature: { ...parts.signature, output } });
    expect((await openBundle(blobs, digest)).signature.output).toEqual(output);
    expect(outputWidth(output)).toBe(3);
    expect(outputWidth(parts.signature.output)).toBe(1);
  });

  it("is not written with a signature that is none, nor with numbers that JSON has not", async () => {
    const input = { name: "x", type: "float", required: true } as const;
    const output = parts.signature.output;
    const wrong: [unknown, RegExp][] = [
      [{ inputs: [input, input], output }, /inputs\[1\]\.name "x" is named twice/],
      [{ inputs: [{ ...input, type: "double" }], output }, /inputs\[0\]\.type is none of int, float/],
      [{ inputs: [{ ...input, required: 1 }], output }, /inputs\[0\]\.required/],
      [{ inputs: {}, output }, /inputs is not a list/],
      [{ inputs: [], output: { name: "", task: "binary" } }, /output\.name/],
      [{ inputs: [], output: { name: "y", task: "poetry" } }, /output\.task/],
      [{ inputs: [], output: { name: "y", task: "multiclass" } }, /output\.width/],
      [{ inputs: [], output: { name: "y", task: "binary", width: 2 } }, /output\.width/],
      [{ inputs: [], output: { name: "y", task: "regression", width: 1 } }, /output\.width/],
      [
        { inputs: [], output: { name: "y", task: "multiclass", width: 3, classes: ["a", "b"] } },
        /output\.classes/,
      ],
      [{ inputs: [], output: { name: "y", task: "binary", classes: ["a", "a"] } }, /output\.classes/],
      [null, /signature is not an object/],
    ];
    for (const [signature, message] of wrong) {
      const writing = writeBundle(blobs, { ...parts, signature: signature as BundleParts["signature"] });
      await expect(writing).rejects.toThrow(message);
    }
    await expect(writeBundle(blobs, { ...parts, plan: { mean: Number.NaN } })).rejects.toMatchObject({
      code: "KERNEL_NOT_CANONICAL",
    });
  });
});

describe("a damaged bundle", () => {
  const files: (BundleFile | "manifest")[] = ["model", "features", "signature", "profile", "manifest"];
  const damages: [string, (path: string) => void, RegExp][] = [
    ["truncated", (path) => truncateSync(path, 3), /has 3 bytes instead of \d+|has been altered/],
    [
      "altered",
      (path) => {
        const bytes = readFileSync(path);
        bytes[2] = (bytes[2] ?? 0) ^ 4;
        writeFileSync(path, bytes);
      },
      /has been altered/,
    ],
    ["emptied", (path) => truncateSync(path, 0), /has 0 bytes instead of \d+|has been altered/],
  ];

  for (const [what, damage, message] of damages) {
    it.each(files)(`names its file "%s" and itself when that was ${what}`, async (file) => {
      const { digest, manifest } = await writeBundle(blobs, parts);
      const path = blobs.path(file === "manifest" ? digest : manifest.files[file]!.digest);
      damage(path);
      const opening = openBundle(blobs, digest);
      await expect(opening).rejects.toMatchObject({
        code: "BUNDLE_DAMAGED",
        details: { bundle: digest, file, path },
      });
      await expect(opening).rejects.toThrow(message);
      await expect(opening).rejects.toThrow(path);
    });
  }

  it.each(["model", "features", "signature", "profile"] as const)(
    "names its file %s when that is missing",
    async (file) => {
      const { digest, manifest } = await writeBundle(blobs, parts);
      unlinkSync(blobs.path(manifest.files[file].digest));
      await expect(openBundle(blobs, digest)).rejects.toMatchObject({
        code: "BUNDLE_DAMAGED",
        message: expect.stringContaining("is missing"),
        details: { bundle: digest, file },
      });
    },
  );

  it("is repaired by writing it again", async () => {
    const { digest, manifest } = await writeBundle(blobs, parts);
    truncateSync(blobs.path(manifest.files.model.digest), 1);
    await writeBundle(blobs, parts);
    expect((await openBundle(blobs, digest)).modelBytes).toEqual(Buffer.from(parts.model));
  });
});

describe("what is no bundle of ours", () => {
  it("is missing when nothing is stored", async () => {
    const digest = digestOf("nothing");
    await expect(openBundle(blobs, digest)).rejects.toMatchObject({
      code: "BUNDLE_MISSING",
      kind: "not-found",
      details: { bundle: digest },
    });
  });

  it("is unsupported when its format or task is newer", async () => {
    const { manifest } = await writeBundle(blobs, parts);
    for (const foreign of [
      { ...manifest, format: "slipway.bundle/2" },
      { ...manifest, task: "ranking" },
    ]) {
      const digest = await storeManifest(foreign);
      await expect(readManifest(blobs, digest)).rejects.toMatchObject({
        code: "BUNDLE_UNSUPPORTED",
        details: { bundle: digest },
      });
    }
  });

  it("is damaged when the blob is something else", async () => {
    const { manifest } = await writeBundle(blobs, parts);
    const { model: _, ...others } = manifest.files;
    for (const value of [
      [],
      null,
      { format: "slipway.snapshot/1" },
      { ...manifest, engine: "" },
      { ...manifest, files: null },
      { ...manifest, files: others },
      { ...manifest, files: { ...manifest.files, model: { digest: "../../etc/passwd", bytes: 1 } } },
      {
        ...manifest,
        files: { ...manifest.files, model: { digest: manifest.files.model.digest, bytes: "4" } },
      },
    ]) {
      const digest = await storeManifest(value);
      await expect(openBundle(blobs, digest)).rejects.toMatchObject({
        code: "BUNDLE_DAMAGED",
        details: { bundle: digest, file: "manifest" },
      });
    }
    const text = await blobs.put(Buffer.from("no JSON"));
    await expect(openBundle(blobs, text)).rejects.toSatisfy(bundleErrors.BUNDLE_DAMAGED.is);
  });

  it("is damaged when its files are whole but not what their names say", async () => {
    const { manifest } = await writeBundle(blobs, parts);
    const { model, features } = manifest.files;
    const swapped = await storeManifest({ ...manifest, files: { ...manifest.files, signature: features } });
    await expect(openBundle(blobs, swapped)).rejects.toMatchObject({ details: { file: "signature" } });
    const binary = await storeManifest({ ...manifest, files: { ...manifest.files, features: model } });
    await expect(openBundle(blobs, binary)).rejects.toMatchObject({ details: { file: "features" } });
    const task = await storeManifest({ ...manifest, task: "regression" });
    await expect(openBundle(blobs, task)).rejects.toMatchObject({ details: { file: "signature" } });
  });
});
