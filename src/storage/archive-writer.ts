import { type FileHandle, open } from "node:fs/promises";
import { createDigester, type Digest } from "../kernel/index.ts";
import { END_BYTES, encodeEntryHeader, paddingAfter } from "./archive-format.ts";
import { storageErrors } from "./errors.ts";
import { fileError } from "./file-errors.ts";

const CHUNK_BYTES = 1 << 20;

/** Writes an archive file by file; all methods throw STORAGE_DISK_FULL, STORAGE_IO and STORAGE_BAD_NAME. */
export interface ArchiveWriter {
  /** Adds bytes under a name and gives their digest. */
  add(name: string, bytes: Uint8Array): Promise<Digest>;
  /**
   * Adds the first bytes of a file; what is appended to it meanwhile stays out.
   * @throws STORAGE_FILE_CHANGED when the file is gone or has become shorter
   */
  addFile(name: string, file: ArchivedFile): Promise<Digest>;
  /** Ends the archive and makes it durable. Gives its size and the digest of the whole file. */
  finish(): Promise<{ readonly bytes: number; readonly digest: Digest }>;
  /** Closes the file, finished or not. */
  close(): Promise<void>;
}

export interface ArchivedFile {
  readonly path: string;
  readonly bytes: number;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Creates a file that only its owner can read. @throws STORAGE_IO when it exists, STORAGE_DISK_FULL */
export async function openArchiveWriter(path: string): Promise<ArchiveWriter> {
  const handle = await open(path, "wx", 0o600).catch((thrown: unknown) => {
    throw fileError(thrown, "create", path);
  });
  const whole = createDigester();
  let size = 0;

  const write = async (bytes: Uint8Array): Promise<void> => {
    whole.update(bytes);
    size += bytes.length;
    try {
      for (let written = 0; written < bytes.length; )
        written += (await handle.write(bytes, written)).bytesWritten;
    } catch (thrown) {
      throw fileError(thrown, "write", path);
    }
  };

  return {
    add: async (name, bytes) => {
      const digester = createDigester();
      digester.update(bytes);
      await write(encodeEntryHeader({ name, bytes: bytes.length }));
      await write(bytes);
      await write(paddingAfter(bytes.length));
      return digester.digest();
    },
    addFile: async (name, file) => {
      const digester = createDigester();
      await write(encodeEntryHeader({ name, bytes: file.bytes }));
      for await (const chunk of firstBytes(file)) {
        digester.update(chunk);
        await write(chunk);
        file.onBytes?.(chunk.length);
      }
      await write(paddingAfter(file.bytes));
      return digester.digest();
    },
    finish: async () => {
      await write(Buffer.alloc(END_BYTES));
      try {
        await handle.sync();
      } catch (thrown) {
        throw fileError(thrown, "write", path);
      }
      return { bytes: size, digest: whole.digest() };
    },
    close: () => handle.close(),
  };
}

async function* firstBytes({ path, bytes, signal }: ArchivedFile): AsyncGenerator<Buffer, void, undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, bytes)));
    for (let position = 0; position < bytes; ) {
      signal?.throwIfAborted();
      const wanted = Math.min(buffer.length, bytes - position);
      const { bytesRead } = await handle.read(buffer, 0, wanted, position);
      if (bytesRead === 0) {
        throw storageErrors.STORAGE_FILE_CHANGED.error(
          `${path} has become shorter while it was read: ${position} of ${bytes} bytes are left`,
          { details: { path, bytes }, hint: "Repeat the command." },
        );
      }
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (thrown) {
    throw fileError(thrown, "read", path);
  } finally {
    await handle?.close();
  }
}
