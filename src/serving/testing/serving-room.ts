import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { SlipwayError, systemClock } from "../../kernel/index.ts";
import { type BlobStore, openFileBlobs } from "../../storage/index.ts";
import { createDataPlane, type DataPlane } from "../data-plane.ts";
import type { DataPlaneOptions } from "../data-plane-options.ts";
import type { Prediction } from "../prediction.ts";

/** A data plane in a folder of its own, closed and removed after the test. */
export interface ServingRoom {
  readonly directory: string;
  readonly logDirectory: string;
  readonly blobs: BlobStore;
  readonly dataPlane: DataPlane;
  /** Another data plane over the same folder: another worker, or the same one after a restart. */
  another(options?: Partial<DataPlaneOptions>): DataPlane;
}

export async function openServingRoom(options: Partial<DataPlaneOptions> = {}): Promise<ServingRoom> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-serving-"));
  const logDirectory = join(directory, "log");
  const blobs = openFileBlobs(join(directory, "blobs"));
  const opened: DataPlane[] = [];
  const another = (more: Partial<DataPlaneOptions> = {}) => {
    const dataPlane = createDataPlane({ blobs, logDirectory, clock: systemClock, ...options, ...more });
    opened.push(dataPlane);
    return dataPlane;
  };
  const dataPlane = another();
  onTestFinished(async () => {
    for (const plane of opened) await plane.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { directory, logDirectory, blobs, dataPlane, another };
}

/** Predicts and waits for the acknowledgement. Rejects with the error of a refused write. */
export function predictAcknowledged(
  dataPlane: DataPlane,
  model: string,
  records: readonly Readonly<Record<string, unknown>>[],
): Promise<Prediction> {
  return new Promise((resolve, reject) => {
    const prediction = dataPlane.predict(
      dataPlane.find(model),
      { records, json: undefined },
      { acknowledge: () => resolve(prediction), refuse: reject },
    );
  });
}

/** The code of the error that a call throws, or undefined. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown.code;
    throw thrown;
  }
}
