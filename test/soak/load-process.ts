import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { OpenLoopOrder, OpenLoopResult } from "./open-loop.ts";

/** Makes load in a process of its own; a result for each phase. */
export function makeLoad(order: OpenLoopOrder, signal: AbortSignal): Promise<OpenLoopResult[]> {
  const generator: ChildProcess = fork(fileURLToPath(new URL("open-loop.ts", import.meta.url)), {
    serialization: "advanced",
  });
  const end = (): void => void generator.kill("SIGKILL");
  signal.addEventListener("abort", end);
  return new Promise<OpenLoopResult[]>((resolve, reject) => {
    generator.once("exit", (code, how) => reject(new Error(`the load generator ended with ${code ?? how}`)));
    generator.once("message", (results) => resolve(results as OpenLoopResult[]));
    generator.send(order);
  }).finally(() => {
    signal.removeEventListener("abort", end);
    end();
  });
}

/** Of the answers with a prediction. */
export function perSecond(result: OpenLoopResult): number {
  return countOf(result, 200) / (result.ms / 1000);
}

export function countOf({ status }: OpenLoopResult, wanted: number): number {
  return status.reduce((count, one) => count + (one === wanted ? 1 : 0), 0);
}

/** Latencies of the answers with a prediction. */
export function accepted({ status, latencyMs }: OpenLoopResult): Float64Array {
  return latencyMs.filter((_, at) => status[at] === 200);
}

export function quantile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
