import { constants, copyFile, mkdir, open, rm, rmdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { imageFormatOf } from "../images/index.ts";
import { parseDigest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { readImageTable } from "./image-facts-file.ts";
import type { SnapshotManifest } from "./snapshot.ts";

/** The images of a snapshot as files beside the file of its rows. */
export interface ExportedImages {
  /** By image column: what comes before and behind the digest in the path of an image, relative to the file. */
  readonly paths: ReadonlyMap<string, { readonly before: string; readonly behind: string }>;
  /** Takes the files away again that were not there before. */
  undo(): Promise<void>;
}

/**
 * Copies the images of a snapshot into the folder `<name of the file>-images`, each once, named by its digest; they have an
 * ending where all of a column are of one format.
 *
 * @throws DATASETS_CANNOT_WRITE, STORAGE_*
 */
export async function exportImages(
  { images = [] }: SnapshotManifest,
  { out, blobs }: { readonly out: string; readonly blobs: BlobStore },
): Promise<ExportedImages> {
  const folder = `${basename(out, extname(out))}-images`;
  const directory = join(dirname(out), folder);
  const paths = new Map<string, { before: string; behind: string }>();
  const written: string[] = [];
  const undo = async (): Promise<void> => {
    for (const path of written) await rm(path, { force: true });
    await rmdir(directory).catch(() => undefined);
  };
  try {
    if (images.length > 0) await mkdir(directory, { recursive: true });
    for (const column of images) {
      const digests = [...(await readImageTable(column, blobs)).facts.keys()].map(parseDigest);
      const formats = new Set<string | undefined>();
      for (const digest of digests) formats.add(imageFormatOf(await head(blobs.path(digest))));
      const [format] = formats;
      const behind = formats.size === 1 && format !== undefined ? `.${format}` : "";
      for (const digest of digests) {
        await blobs.verify(digest);
        const path = join(directory, `${digest}${behind}`);
        if (await copyNew(blobs.path(digest), path)) written.push(path);
      }
      paths.set(column.column, { before: `${folder}/`, behind });
    }
    return { paths, undo };
  } catch (thrown) {
    await undo();
    throw thrown;
  }
}

async function head(path: string): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const bytes = Buffer.alloc(16);
    await handle.read(bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    await handle.close();
  }
}

/** False where there is a file of that name already: it is named by what it holds. */
async function copyNew(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST") return false;
    throw thrown;
  }
}
