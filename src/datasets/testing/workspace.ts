import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { SlipwayError } from "../../kernel/index.ts";
import { type BlobStore, openFileBlobs } from "../../storage/index.ts";
import { type IngestRequest, ingest } from "../ingest.ts";

/** A folder with source files and a blob store, gone when the test is over. */
export interface Workspace {
  readonly root: string;
  readonly blobs: BlobStore;
  write(name: string, content: string | Uint8Array): Promise<void>;
  ingest(
    spec: IngestRequest["spec"],
    options?: Partial<Pick<IngestRequest, "previous" | "threads" | "signal" | "memoryBytes" | "onProgress">>,
  ): ReturnType<typeof ingest>;
  /** Everything below the blob store, temporary files included. */
  stored(): Promise<string[]>;
}

export async function openWorkspace(
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "slipway-datasets-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const blobs = openFileBlobs(join(root, ".blobs"));
  const workspace: Workspace = {
    root,
    blobs,
    async write(name, content) {
      const path = join(root, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    },
    ingest: (spec, options = {}) => ingest({ name: "test", spec, root, blobs, threads: 2, ...options }),
    async stored() {
      const entries = await readdir(blobs.directory, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name));
    },
  };
  for (const [name, content] of Object.entries(files)) await workspace.write(name, content);
  return workspace;
}

/** The error of a promise that must fail with one of ours. */
export async function failure(promise: Promise<unknown>): Promise<SlipwayError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("it should have failed");
}
