import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRandom, type Digest } from "../kernel/index.ts";
import { openArchiveWriter } from "./archive-writer.ts";
import { unpackBackup } from "./backup-reader.ts";
import { type BackupRequest, writeBackup } from "./backup-writer.ts";
import { type BlobStore, openFileBlobs } from "./blobs.ts";
import { storageErrors } from "./errors.ts";

let directory: string;
let blobs: BlobStore;
let stored: Digest[];
let log: string;
let out: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "slipway-backup-"));
  blobs = openFileBlobs(join(directory, "blobs"));
  stored = [await blobs.put(Buffer.from("one")), await blobs.put(Buffer.alloc(3000, 5))];
  log = join(directory, "log");
  mkdirSync(log);
  writeFileSync(join(log, "predictions-a-00000001.seg"), "what was answered");
  out = join(directory, "all.backup");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const request = (changes: Partial<BackupRequest> = {}): BackupRequest => ({
  out,
  header: { installation: "a".repeat(64), slipway: "0.1.0", at: 1_700_000_000_000 },
  blobs,
  kept: [
    { name: "log", path: log },
    { name: "installation.key", path: join(directory, "none.key") },
  ],
  dumpDatabase: async (path) => {
    writeFileSync(path, '{"schema":1}\n');
    return 1;
  },
  ...changes,
});

async function unpack(from = out): Promise<{ target: BlobStore; into: string; error?: unknown }> {
  const at = mkdtempSync(join(directory, "target-"));
  const target = openFileBlobs(join(at, "blobs"));
  const into = join(at, "into");
  mkdirSync(into);
  try {
    await unpackBackup({ file: from, blobs: target, into });
    return { target, into };
  } catch (error) {
    return { target, into, error };
  }
}

const digests = async (store: BlobStore): Promise<Digest[]> => {
  const found: Digest[] = [];
  for await (const digest of store.list()) found.push(digest);
  return found;
};

describe("a backup", () => {
  it("gives back blobs, files and rows", async () => {
    const summary = await writeBackup(request());
    expect(summary).toMatchObject({ rows: 1, blobs: 2, files: 1 });
    const { target, into, error } = await unpack();
    expect(error).toBeUndefined();
    expect(await digests(target)).toEqual([...stored].sort());
    for (const digest of stored) await target.verify(digest);
    expect(readFileSync(join(into, "log/predictions-a-00000001.seg"), "utf8")).toBe("what was answered");
    expect(readFileSync(join(into, "database.ndjson"), "utf8")).toBe('{"schema":1}\n');
    expect(readdirSync(join(directory, "blobs/tmp"))).toEqual([]);
  });

  it("is of the moment at which it began: a log that grows meanwhile is cut there, blobs written meanwhile come along", async () => {
    const segment = join(log, "predictions-a-00000001.seg");
    let late: Digest | undefined;
    await writeBackup(
      request({
        dumpDatabase: async (path) => {
          late = await blobs.put(Buffer.from("named by a row that is dumped now"));
          writeFileSync(segment, " and more", { flag: "a" });
          writeFileSync(path, '{"schema":1}\n');
          return 1;
        },
      }),
    );
    const { target, into } = await unpack();
    expect(readFileSync(join(into, "log/predictions-a-00000001.seg"), "utf8")).toBe("what was answered");
    expect(await target.has(late!)).toBe(true);
  });

  it("fails rather than lack a blob that was removed meanwhile", async () => {
    const removing = writeBackup(
      request({
        dumpDatabase: async (path) => {
          await blobs.delete(stored[0]!);
          writeFileSync(path, "");
          return 0;
        },
      }),
    );
    await expect(removing).rejects.toSatisfy(storageErrors.STORAGE_FILE_CHANGED.is);
  });

  it("fails rather than keep a blob that is damaged, and names it", async () => {
    writeFileSync(blobs.path(stored[0]!), "two");
    await expect(writeBackup(request())).rejects.toMatchObject({
      code: "STORAGE_BLOB_DAMAGED",
      details: { digest: stored[0] },
    });
  });

  it("is refused whichever byte is altered, and leaves nothing behind", async () => {
    await writeBackup(request());
    const whole = readFileSync(out);
    const random = createRandom("flips");
    for (let flip = 0; flip < 15; flip++) {
      const altered = Buffer.from(whole);
      const at = random.integer(altered.length);
      altered[at] = (altered[at] ?? 0) ^ (1 << random.integer(8));
      writeFileSync(`${out}.altered`, altered);
      const { target, error } = await unpack(`${out}.altered`);
      expect(storageErrors.STORAGE_ARCHIVE_DAMAGED.is(error), `byte ${at}: ${error}`).toBe(true);
      expect(await digests(target)).toEqual([]);
      expect(readdirSync(join(target.directory, "tmp"))).toEqual([]);
    }
  });

  it("is refused when it ends early, and says where", async () => {
    await writeBackup(request());
    const whole = readFileSync(out);
    for (const bytes of [0, 700, 2_000, whole.length - 2_000, whole.length - 512]) {
      writeFileSync(`${out}.cut`, whole.subarray(0, bytes));
      const { target, error } = await unpack(`${out}.cut`);
      expect(error).toMatchObject({ code: "STORAGE_ARCHIVE_DAMAGED" });
      expect(String(error)).toMatch(bytes === 0 ? /ends after 0 bytes/ : /does not end|ends after/);
      expect(await digests(target)).toEqual([]);
    }
  });

  it("of a newer format is refused as that", async () => {
    const archive = await openArchiveWriter(out);
    await archive.add("slipway-backup.json", Buffer.from('{"format":"slipway.backup/2"}'));
    await archive.finish();
    await archive.close();
    expect((await unpack()).error).toMatchObject({ code: "STORAGE_ARCHIVE_UNSUPPORTED" });
    expect(existsSync(out)).toBe(true);
  });
});
