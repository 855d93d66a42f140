import { type FileHandle, open } from "node:fs/promises";
import { createDigester, type Digest, type SlipwayError } from "../kernel/index.ts";
import { BLOCK_BYTES, decodeEntryHeader, END_BYTES, paddingAfter } from "./archive-format.ts";
import { storageErrors } from "./errors.ts";
import { fileError } from "./file-errors.ts";

const CHUNK_BYTES = 1 << 20;

/** A file in an archive. Its contents are read once, before the next one is asked for. */
export interface ArchiveEntry {
  readonly name: string;
  readonly bytes: number;
  /** @param most bytes that may be held in memory. @throws STORAGE_ARCHIVE_DAMAGED when there are more */
  read(most: number): Promise<Buffer>;
  /** Writes the contents to a new file, durably, and gives their digest. */
  saveTo(path: string): Promise<Digest>;
}

export interface ReadArchiveOptions {
  /** Called with the bytes of the archive that have been read so far, and all there are. */
  readonly onProgress?: (bytes: { readonly done: number; readonly of: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * The files of an archive in their order. What the contents should be is known to the caller: names and sizes are checked
 * here, digests there.
 *
 * @throws STORAGE_ARCHIVE_DAMAGED naming the place where the file ends early or is no archive, STORAGE_IO
 */
export async function* readArchive(
  path: string,
  { onProgress, signal }: ReadArchiveOptions = {},
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const handle = await open(path, "r").catch((thrown: unknown) => {
    throw fileError(thrown, "open", path);
  });
  try {
    const size = (await handle.stat()).size;
    let position = 0;
    const take = async (bytes: number, within: string): Promise<Buffer> => {
      signal?.throwIfAborted();
      const buffer = await readAt(handle, { path, position, bytes });
      if (buffer.length < bytes)
        throw archiveDamaged(path, `it ends after ${size} bytes, in the middle of ${within}`);
      position += bytes;
      onProgress?.({ done: position, of: size });
      return buffer;
    };
    for (;;) {
      const header = decodeEntryHeader(await take(BLOCK_BYTES, "its list of files"));
      if (header === undefined)
        throw archiveDamaged(path, `the block at byte ${position - BLOCK_BYTES} is none of an archive`);
      if (header === "end") break;
      const { name, bytes } = header;
      if (position + bytes > size)
        throw archiveDamaged(path, `it ends after ${size} bytes, in the middle of ${name}`);
      let unread = bytes;
      const chunks = async function* (): AsyncGenerator<Buffer, void, undefined> {
        while (unread > 0) {
          const chunk = await take(Math.min(CHUNK_BYTES, unread), name);
          unread -= chunk.length;
          yield chunk;
        }
      };
      yield {
        name,
        bytes,
        read: async (most) => {
          if (bytes > most)
            throw archiveDamaged(path, `${name} has ${bytes} bytes; at most ${most} are possible`);
          const parts: Buffer[] = [];
          for await (const chunk of chunks()) parts.push(chunk);
          return Buffer.concat(parts);
        },
        saveTo: (target) => save(chunks(), target),
      };
      for await (const _ of chunks());
      const padding = paddingAfter(bytes);
      if (!(await take(padding.length, name)).equals(padding))
        throw archiveDamaged(path, `bytes behind ${name} are not zero`);
    }
    const rest = await readAt(handle, { path, position, bytes: BLOCK_BYTES + 1 });
    if (rest.length !== END_BYTES - BLOCK_BYTES || rest.some((byte) => byte !== 0))
      throw archiveDamaged(path, `it does not end at byte ${position + BLOCK_BYTES}, as it should`);
  } finally {
    await handle.close();
  }
}

async function save(chunks: AsyncIterable<Buffer>, target: string): Promise<Digest> {
  const digester = createDigester();
  try {
    const file = await open(target, "wx", 0o600);
    try {
      for await (const chunk of chunks) {
        digester.update(chunk);
        for (let written = 0; written < chunk.length; )
          written += (await file.write(chunk, written)).bytesWritten;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (thrown) {
    throw fileError(thrown, "write", target);
  }
  return digester.digest();
}

async function readAt(
  handle: FileHandle,
  { path, position, bytes }: { path: string; position: number; bytes: number },
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  try {
    while (filled < bytes) {
      const { bytesRead } = await handle.read(buffer, filled, bytes - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } catch (thrown) {
    throw fileError(thrown, "read", path);
  }
  return buffer.subarray(0, filled);
}

export function archiveDamaged(path: string, fault: string): SlipwayError {
  return storageErrors.STORAGE_ARCHIVE_DAMAGED.error(`${path} is damaged: ${fault}`, {
    details: { path, fault },
    hint: "Copy the file again from where it was written, or write it again; nothing of it has been taken over.",
  });
}
