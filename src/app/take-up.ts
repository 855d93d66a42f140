import { sleep } from "../kernel/index.ts";
import type { ControlContext } from "./control-context.ts";
import { readWorkerStatuses, type WorkerStatus } from "./worker-status.ts";

/** How long a change of routing waits for the workers of this machine: a large model takes its time to load. */
const TAKE_UP_MS = 60_000;
const POLL_MS = 20;

/** What became of a routing generation on the workers of this machine. */
export interface TakenUp {
  /** Workers that serve it. */
  readonly workers: number;
  /** Processes that do not serve it yet, although they had their time. */
  readonly behind: readonly number[];
  /** What workers could not load, each once; they go on with what they served before. */
  readonly problems: readonly string[];
}

/**
 * Publishes the current routing and waits until every worker serves it: a request that is sent afterwards is answered by it,
 * whichever worker it reaches.
 */
export async function publishAndAwait(context: ControlContext): Promise<TakenUp> {
  await context.publishRouting();
  const { generation } = await context.registry.routing();
  const deadline = context.clock() + TAKE_UP_MS;
  for (;;) {
    const workers = readWorkerStatuses(context.state.workers, context.clock);
    const taken = takenUp(workers, generation);
    if (taken.behind.length === 0 || context.clock() >= deadline) return taken;
    await sleep(POLL_MS);
  }
}

/** A worker that drains counts like the others: it still answers on connections that it has. */
export function takenUp(
  workers: readonly Pick<WorkerStatus, "pid" | "generation" | "problems">[],
  generation: number,
): TakenUp {
  const serving = workers.filter((worker) => worker.generation >= generation);
  return {
    workers: serving.length,
    behind: workers.filter((worker) => worker.generation < generation).map(({ pid }) => pid),
    problems: [...new Set(serving.flatMap(({ problems }) => problems))],
  };
}
