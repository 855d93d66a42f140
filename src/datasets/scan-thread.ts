import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import { deserializeError, type SerializedError, siblingModule } from "../kernel/index.ts";
import type { ScannedColumns, ScanTask } from "./scan-columns.ts";

/** What a scanning thread is started with. */
export interface ScanThreadData {
  /** Where this process keeps compiled code, if it does. */
  readonly cacheDirectory: string | undefined;
}

/** What a scanning thread sends. */
export type ScanMessage =
  | { readonly rows: number }
  | { readonly scanned: ScannedColumns }
  | { readonly error: SerializedError };

/** A thread that is started before there is a task for it, so that it is ready when there is one. */
export class ScanThread {
  readonly #worker: Worker;
  /** Rejects when the thread ends, for whatever reason. */
  readonly #ended: Promise<never>;

  constructor() {
    const workerData: ScanThreadData = { cacheDirectory: getCompileCacheDir() };
    this.#worker = new Worker(siblingModule(import.meta.url, "scan-worker"), { workerData });
    this.#ended = new Promise((_, reject) => {
      this.#worker.on("error", reject);
      this.#worker.on("exit", (code) => reject(new Error(`a scanning thread ended with code ${code}`)));
    });
    // Whoever waits for a task hears of it; a thread that never had one may end unheard.
    this.#ended.catch(() => undefined);
  }

  /** One task; a thread takes one only. @throws what the task throws, or that the thread ended before it was done */
  async scan(task: ScanTask, onRows: (rows: number) => void): Promise<ScannedColumns> {
    const answered = new Promise<ScannedColumns>((resolve, reject) => {
      this.#worker.on("message", (message: ScanMessage) => {
        try {
          if ("rows" in message) onRows(message.rows);
          else if ("scanned" in message) resolve(message.scanned);
          else reject(deserializeError(message.error));
        } catch (thrown) {
          reject(thrown);
        }
      });
    });
    this.#worker.postMessage(task);
    return await Promise.race([answered, this.#ended]);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
