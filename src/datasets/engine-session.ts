import { mkdir, rm } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import type { BlobStore } from "../storage/index.ts";
import { Engine } from "./engine.ts";

export interface EngineOptions {
  /** Default: all the machine has. */
  readonly threads?: number;
  /** Of the table engine; beyond it spills to disk. Default: a quarter of the machine's memory. */
  readonly memoryBytes?: number;
}

const LEAST_MEMORY = 256 * 1024 * 1024;

export function engineLimits(options: EngineOptions): { threads: number; memoryBytes: number } {
  return {
    threads: options.threads ?? availableParallelism(),
    memoryBytes: options.memoryBytes ?? Math.max(LEAST_MEMORY, totalmem() / 4),
  };
}

/** Runs with an engine and a scratch folder on the blobs' file system; both are gone afterwards, whatever happens. */
export async function withEngine<Result>(
  options: EngineOptions & { readonly blobs: BlobStore; readonly signal?: AbortSignal },
  action: (engine: Engine, scratch: string) => Promise<Result>,
): Promise<Result> {
  const { signal } = options;
  signal?.throwIfAborted();
  const scratch = options.blobs.temporaryPath();
  await mkdir(scratch);
  try {
    const engine = await Engine.open({ ...engineLimits(options), spillDirectory: scratch });
    const stop = () => engine.interrupt();
    signal?.addEventListener("abort", stop);
    try {
      return await action(engine, scratch);
    } catch (thrown) {
      signal?.throwIfAborted();
      throw thrown;
    } finally {
      signal?.removeEventListener("abort", stop);
      engine.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
