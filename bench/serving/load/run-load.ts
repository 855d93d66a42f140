import type { LoadOrder, LoadResult } from "./load-order.ts";
import { ServerLoad } from "./server-load.ts";

/** Times `warmMs`. */
const MOST_WARMING = 4;

/** Carries out an order; the results stand in the order of its targets. */
export async function runLoad(order: LoadOrder): Promise<LoadResult[]> {
  const loads: ServerLoad[] = [];
  for (const target of order.targets) loads.push(await ServerLoad.connect(target));
  if (order.warmMs > 0) for (const load of loads) await warm(load, order);
  for (let round = 0; round < order.rounds; round++) {
    // The order changes from round to round, so that no server always follows the same one.
    for (const load of round % 2 === 0 ? loads : loads.toReversed())
      await load.run(order.pace, order.windowMs, true);
  }
  return loads.map((load) => load.finish());
}

/** Compilers of the servers need a number of requests, whatever time those take. */
async function warm(load: ServerLoad, { warmMs, warmRequests }: LoadOrder): Promise<void> {
  for (let time = 0; time < MOST_WARMING && (time === 0 || load.answered < warmRequests); time++)
    await load.run({ kind: "closed-loop" }, warmMs, false);
}
