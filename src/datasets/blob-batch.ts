import { stat } from "node:fs/promises";
import type { Digest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";

/** Blobs that are stored together or not at all. */
export class BlobBatch {
  readonly #blobs: BlobStore;
  readonly #added: { readonly blob: Digest; readonly inode: number }[] = [];

  constructor(blobs: BlobStore) {
    this.#blobs = blobs;
  }

  /** Makes a blob of a file on the store's file system; the file is gone afterwards. */
  async move(path: string): Promise<{ readonly blob: Digest; readonly bytes: number }> {
    const { size, ino } = await stat(path);
    const blob = await this.#blobs.putFile(path, { move: true });
    this.#added.push({ blob, inode: ino });
    return { blob, bytes: size };
  }

  /** Removes what became a blob here and was none before. */
  async undo(): Promise<void> {
    for (const { blob, inode } of this.#added.splice(0)) {
      const isOurs = (await stat(this.#blobs.path(blob))).ino === inode;
      if (isOurs) await this.#blobs.delete(blob);
    }
  }
}
