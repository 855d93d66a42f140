import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { killLoop } from "../../test/kill-loop.ts";
import { mountTinyDisk } from "../../test/tiny-disk.ts";
import { type Digest, digestOf } from "../kernel/index.ts";
import { openFileBlobs } from "./blobs.ts";
import { storageErrors } from "./errors.ts";

const bytes = Buffer.from("what is stored");
const digest = digestOf(bytes);
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-blobs-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const temporaries = () => readdirSync(join(directory, "tmp"));

async function collect(listed: AsyncIterable<Digest>): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const each of listed) digests.push(each);
  return digests;
}

describe("a blob store", () => {
  it("stores bytes under their sha256 and gives them back", async () => {
    const blobs = openFileBlobs(directory);
    expect(await blobs.put(bytes)).toBe(digest);
    expect(blobs.path(digest)).toBe(join(directory, "sha256", digest.slice(0, 2), digest));
    expect(await blobs.get(digest)).toEqual(bytes);
    expect(await blobs.stat(digest)).toMatchObject({ bytes: bytes.length });
    expect(await blobs.has(digest)).toBe(true);
    await blobs.verify(digest);
    expect(temporaries()).toEqual([]);
  });

  it("stores equal bytes once, also when many store them at the same time", async () => {
    const stores = Array.from({ length: 8 }, () => openFileBlobs(directory));
    const digests = await Promise.all(
      stores.flatMap((blobs) => [blobs.put(bytes), blobs.put(Buffer.from("other"))]),
    );
    expect(new Set(digests).size).toBe(2);
    expect(await collect(openFileBlobs(directory).list())).toEqual([...new Set(digests)].sort());
    expect(temporaries()).toEqual([]);
  });

  it("stores the empty byte string", async () => {
    const blobs = openFileBlobs(directory);
    expect(await blobs.get(await blobs.put(new Uint8Array(0)))).toHaveLength(0);
  });

  it("says which blob is missing and where it looked", async () => {
    const blobs = openFileBlobs(directory);
    for (const ask of [() => blobs.get(digest), () => blobs.verify(digest), () => blobs.stat(digest)]) {
      await expect(ask()).rejects.toMatchObject({
        code: "STORAGE_BLOB_MISSING",
        details: { digest, path: blobs.path(digest) },
      });
    }
    expect(await blobs.has(digest)).toBe(false);
    expect(await blobs.delete(digest)).toBe(false);
  });

  it.each([
    ["truncated", bytes.subarray(0, 5)],
    ["altered", Buffer.from("what is st0red")],
    ["emptied", Buffer.alloc(0)],
  ])(
    "names digest and path of a blob that was %s, and repairs it when it is stored again",
    async (_, damaged) => {
      const blobs = openFileBlobs(directory);
      await blobs.put(bytes);
      writeFileSync(blobs.path(digest), damaged);
      for (const ask of [() => blobs.get(digest), () => blobs.verify(digest)]) {
        await expect(ask()).rejects.toMatchObject({
          code: "STORAGE_BLOB_DAMAGED",
          message: expect.stringContaining(digest),
          details: { digest, path: blobs.path(digest), bytes: damaged.length, got: digestOf(damaged) },
        });
      }
      await blobs.put(bytes);
      expect(await blobs.get(digest)).toEqual(bytes);
    },
  );

  it("refuses a digest that is none, so that no path leads out of the store", () => {
    const blobs = openFileBlobs(directory);
    expect(() => blobs.path("../../etc/passwd" as Digest)).toThrow(/not a sha256 digest/);
  });

  it("deletes", async () => {
    const blobs = openFileBlobs(directory);
    await blobs.put(bytes);
    expect(await blobs.delete(digest)).toBe(true);
    expect(await blobs.has(digest)).toBe(false);
    expect(await collect(blobs.list())).toEqual([]);
  });

  it("copies a file by default and takes it over with `move`", async () => {
    const blobs = openFileBlobs(directory);
    const outside = join(directory, "outside.bin");
    writeFileSync(outside, bytes);
    expect(await blobs.putFile(outside)).toBe(digest);
    expect(readFileSync(outside)).toEqual(bytes);
    const inside = blobs.temporaryPath();
    writeFileSync(inside, "moved");
    const moved = await blobs.putFile(inside, { move: true });
    expect(existsSync(inside)).toBe(false);
    expect((await blobs.get(moved)).toString()).toBe("moved");
    expect(await blobs.putFile(outside, { move: true })).toBe(digest);
    expect(existsSync(outside)).toBe(false);
    expect(temporaries()).toEqual([]);
  });

  it("takes a file over from another file system", async ({ skip }) => {
    const shared = "/dev/shm";
    if (!existsSync(shared) || statSync(shared).dev === statSync(directory).dev)
      return skip("no second file system");
    const elsewhere = mkdtempSync(join(shared, "slipway-"));
    try {
      writeFileSync(join(elsewhere, "file"), bytes);
      expect(await openFileBlobs(directory).putFile(join(elsewhere, "file"), { move: true })).toBe(digest);
      expect(readdirSync(elsewhere)).toEqual([]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it("names the file that is not there to be stored", async () => {
    const missing = join(directory, "nothing");
    await expect(openFileBlobs(directory).putFile(missing)).rejects.toMatchObject({
      code: "STORAGE_IO",
      details: { path: missing, errno: "ENOENT" },
    });
  });

  it("cannot be opened where a file is in the way", () => {
    writeFileSync(join(directory, "file"), "");
    expect(() => openFileBlobs(join(directory, "file"))).toThrow(
      expect.objectContaining({ code: "STORAGE_IO" }),
    );
  });
});

describe("temporary files", () => {
  const temporary = (name: string): string => {
    mkdirSync(join(directory, "tmp"), { recursive: true });
    const path = join(directory, "tmp", name);
    writeFileSync(path, "half");
    return path;
  };
  const age = (path: string, ms: number): void => {
    const then = (Date.now() - ms) / 1000;
    utimesSync(path, then, then);
  };
  const host = encodeURIComponent(hostname());

  it("of a dead process are removed when a store is opened", () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    const path = temporary(`${host}~${pid}~00`);
    openFileBlobs(directory);
    expect(existsSync(path)).toBe(false);
  });

  it("of living processes are left alone", () => {
    const ours = openFileBlobs(directory).temporaryPath();
    writeFileSync(ours, "half");
    const parents = temporary(`${host}~${process.ppid}~00`);
    openFileBlobs(directory);
    expect([existsSync(ours), existsSync(parents)]).toEqual([true, true]);
  });

  it("of an earlier process with our process id are removed", () => {
    const path = temporary(`${host}~${process.pid}~00`);
    age(path, process.uptime() * 1000 + 60_000);
    openFileBlobs(directory);
    expect(existsSync(path)).toBe(false);
  });

  it("of another host are removed after a day", () => {
    const fresh = temporary("elsewhere~1~00");
    const stale = temporary("elsewhere~2~00");
    age(stale, 25 * 60 * 60 * 1000);
    openFileBlobs(directory);
    expect([existsSync(fresh), existsSync(stale)]).toEqual([true, false]);
  });
});

describe("on a full disk", () => {
  it("a store says so, leaves nothing behind, and works on when there is room", async ({ skip }) => {
    const disk = mountTinyDisk(1024);
    if (disk === undefined) return skip("no tiny disk");
    try {
      const blobs = openFileBlobs(disk.path);
      const kept = await blobs.put(Buffer.alloc(600_000, 1));
      const large = Buffer.alloc(700_000, 2);
      await expect(blobs.put(large)).rejects.toMatchObject({ code: "STORAGE_DISK_FULL", kind: "exhausted" });
      const outside = join(directory, "large");
      writeFileSync(outside, large);
      for (const move of [false, true]) {
        await expect(blobs.putFile(outside, { move })).rejects.toSatisfy(storageErrors.STORAGE_DISK_FULL.is);
      }
      expect(existsSync(outside)).toBe(true);
      expect(readdirSync(join(disk.path, "tmp"))).toEqual([]);
      expect(await collect(blobs.list())).toEqual([kept]);
      await blobs.delete(kept);
      expect(await blobs.put(large)).toBe(digestOf(large));
    } finally {
      disk.unmount();
    }
  });
});

describe("blobs that are not used", () => {
  const LONG_AGO = 1_000_000_000;
  const age = (blobs: ReturnType<typeof openFileBlobs>, each: Digest) =>
    utimesSync(blobs.path(each), LONG_AGO / 1000, LONG_AGO / 1000);

  it("go when they were last used before a time, and stay when they were stored again or retained", async () => {
    const blobs = openFileBlobs(directory);
    await blobs.put(bytes);
    expect(await blobs.deleteUnused(digest, LONG_AGO + 1)).toBeUndefined();
    age(blobs, digest);
    expect(await blobs.stat(digest)).toEqual({ bytes: bytes.length, usedAt: LONG_AGO });
    await blobs.put(bytes);
    expect(await blobs.deleteUnused(digest, LONG_AGO + 1)).toBeUndefined();
    age(blobs, digest);
    expect(await blobs.retain(digest)).toBe(true);
    expect(await blobs.deleteUnused(digest, LONG_AGO + 1)).toBeUndefined();
    age(blobs, digest);
    expect(await blobs.deleteUnused(digest, LONG_AGO + 1)).toBe(bytes.length);
    expect(await blobs.has(digest)).toBe(false);
    expect(await blobs.retain(digest)).toBe(false);
    expect(await blobs.deleteUnused(digest, LONG_AGO + 1)).toBeUndefined();
    expect(temporaries()).toEqual([]);
  });

  it("never go from under somebody who stores or retains them at that moment", async () => {
    const blobs = openFileBlobs(directory);
    let removed = 0;
    for (let round = 0; round < 45; round++) {
      await blobs.put(bytes);
      age(blobs, digest);
      const [stored, freed] = await Promise.all([
        round % 3 === 0 ? blobs.retain(digest) : blobs.put(bytes),
        blobs.deleteUnused(digest, LONG_AGO + 1),
      ]);
      if (freed !== undefined) removed += 1;
      if (stored !== false) await blobs.verify(digest);
    }
    expect(removed).toBeGreaterThan(0);
    expect(temporaries()).toEqual([]);
  });
});

describe("kill -9 while blobs are stored", () => {
  it("leaves whole blobs only", async () => {
    await killLoop({
      script: join(import.meta.dirname, "testing", "put-blobs.ts"),
      args: [directory],
      kills: 3,
      afterKill: async (stored) => {
        const blobs = openFileBlobs(directory);
        expect(temporaries()).toEqual([]);
        for await (const each of blobs.list()) await blobs.verify(each);
        for (const line of stored) expect(await blobs.has(line as Digest)).toBe(true);
      },
    });
  });
});
