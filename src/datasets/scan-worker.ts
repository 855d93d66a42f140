import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { SerializedError } from "../kernel/index.ts";
import type { ScanTask } from "./scan-columns.ts";
import type { ScanMessage, ScanThreadData } from "./scan-thread.ts";

/**
 * A thread that scans some of a snapshot's columns when it is given the task. A thread does not inherit the compile cache of
 * the process, without which loading the rest takes three times as long; so that is loaded after the cache is on.
 */
const { cacheDirectory } = workerData as ScanThreadData;
if (cacheDirectory !== undefined) enableCompileCache(cacheDirectory);
const { scanColumns } = await import("./scan-columns.ts");
const { SlipwayError } = await import("../kernel/index.ts");
const { datasetsErrors } = await import("./errors.ts");

const send = (message: ScanMessage): void => parentPort?.postMessage(message);

function serialized(thrown: unknown): SerializedError {
  if (thrown instanceof SlipwayError) return thrown.toJSON();
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return datasetsErrors.DATASETS_ENGINE.error(reason).toJSON();
}

parentPort?.once("message", (task: ScanTask) => {
  scanColumns(task, (rows) => send({ rows })).then(
    (scanned) => send({ scanned }),
    (thrown: unknown) => send({ error: serialized(thrown) }),
  );
});
