import { sleep } from "../kernel/index.ts";
import type { ControlContext } from "./control-context.ts";
import { readWorkerStatuses } from "./worker-status.ts";

/** How long a change of routing waits for the workers of this machine to serve it before it answers all the same. */
const TAKE_UP_MS = 5_000;
const POLL_MS = 20;

/**
 * Publishes the current routing and waits until every worker serves it. Workers that cannot load a version say so in
 * `slipway status`; they go on serving the old one.
 */
export async function publishAndAwait(context: ControlContext): Promise<void> {
  await context.publishRouting();
  const { generation } = await context.registry.routing();
  const deadline = context.clock() + TAKE_UP_MS;
  while (context.clock() < deadline) {
    const workers = readWorkerStatuses(context.state.workers, context.clock);
    if (workers.every((worker) => worker.state === "draining" || worker.generation >= generation)) return;
    await sleep(POLL_MS);
  }
}
