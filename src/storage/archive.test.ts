import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRandom, digestOf } from "../kernel/index.ts";
import { beginsArchive, decodeEntryHeader, encodeEntryHeader } from "./archive-format.ts";
import { readArchive } from "./archive-reader.ts";
import { openArchiveWriter } from "./archive-writer.ts";
import { storageErrors } from "./errors.ts";

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-archive-"));
  path = join(directory, "all.tar");
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, Uint8Array>>, to = path): Promise<void> {
  const archive = await openArchiveWriter(to);
  for (const [name, bytes] of Object.entries(files)) await archive.add(name, bytes);
  await archive.finish();
  await archive.close();
}

async function read(from = path): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for await (const entry of readArchive(from)) files[entry.name] = await entry.read(1 << 24);
  return files;
}

const files = {
  "first.json": Buffer.from("{}"),
  "blobs/empty": Buffer.alloc(0),
  "blobs/one-block": Buffer.alloc(512, 7),
  "blobs/large": Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251)),
};

describe("an archive", () => {
  it("gives back the files that were added, in their order", async () => {
    await write(files);
    const found = await read();
    expect(Object.keys(found)).toEqual(Object.keys(files));
    for (const [name, bytes] of Object.entries(files)) expect(found[name]?.equals(bytes)).toBe(true);
  });

  it("is opened by tar, and only its owner can read it", async () => {
    await write(files);
    expect(execFileSync("tar", ["-tf", path], { encoding: "utf8" }).trim().split("\n")).toEqual(
      Object.keys(files),
    );
    execFileSync("tar", ["-xf", path, "-C", directory]);
    expect(readFileSync(join(directory, "blobs/large")).equals(files["blobs/large"])).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("has the same bytes for the same files", async () => {
    await write(files);
    await write(files, `${path}.again`);
    expect(readFileSync(path).equals(readFileSync(`${path}.again`))).toBe(true);
  });

  it("takes the first bytes of a file that grows, and says when it has become shorter", async () => {
    const log = join(directory, "log");
    writeFileSync(log, "first second");
    const archive = await openArchiveWriter(path);
    expect(await archive.addFile("log", { path: log, bytes: 5 })).toBe(digestOf("first"));
    await expect(archive.addFile("log2", { path: log, bytes: 50 })).rejects.toSatisfy(
      storageErrors.STORAGE_FILE_CHANGED.is,
    );
    await archive.close();
  });

  it("is refused wherever it ends early", async () => {
    await write(files);
    const whole = readFileSync(path);
    for (const bytes of [
      0,
      1,
      511,
      512,
      513,
      1024,
      2000,
      whole.length - 1024,
      whole.length - 512,
      whole.length - 1,
    ]) {
      writeFileSync(path, whole);
      truncateSync(path, bytes);
      await expect(read(), `${bytes} of ${whole.length} bytes`).rejects.toSatisfy(
        storageErrors.STORAGE_ARCHIVE_DAMAGED.is,
      );
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(1)]));
    await expect(read()).rejects.toSatisfy(storageErrors.STORAGE_ARCHIVE_DAMAGED.is);
  });

  it("differs in its files, or is refused, whichever byte is altered", async () => {
    await write(files);
    const whole = readFileSync(path);
    const random = createRandom("flips");
    for (let flip = 0; flip < 300; flip++) {
      const altered = Buffer.from(whole);
      const at = random.integer(altered.length);
      altered[at] = (altered[at] ?? 0) ^ (1 << random.integer(8));
      writeFileSync(path, altered);
      const found = await read().catch((thrown: unknown) => {
        if (storageErrors.STORAGE_ARCHIVE_DAMAGED.is(thrown)) return undefined;
        throw thrown;
      });
      const same =
        found !== undefined &&
        Object.entries(files).every(([name, bytes]) => found[name]?.equals(bytes) === true);
      expect(same, `byte ${at}`).toBe(false);
    }
  });

  it("has no files that lead out of the folder it is unpacked in", () => {
    for (const name of ["/etc/passwd", "../up", "a/../../b", "a\\b", "", "a/", "x".repeat(101)]) {
      expect(() => encodeEntryHeader({ name, bytes: 0 })).toThrow(/is no name for a file/);
    }
    const forged = encodeEntryHeader({ name: "aaaaaa", bytes: 0 });
    forged.write("../../", 0, "latin1");
    expect(decodeEntryHeader(forged)).toBeUndefined();
  });

  it("states sizes beyond 8 GiB", () => {
    const large = { name: "large", bytes: 9 * 1024 ** 3 };
    expect(decodeEntryHeader(encodeEntryHeader(large))).toEqual(large);
  });

  it("is recognised by its first file", async () => {
    await write(files);
    expect(beginsArchive(readFileSync(path), "first.json")).toBe(true);
    expect(beginsArchive(readFileSync(path), "first")).toBe(false);
    expect(beginsArchive(Buffer.from("tree\nversion=v4\n"), "first.json")).toBe(false);
  });
});
