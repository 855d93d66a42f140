import type { LoadOrder, LoadResult } from "./load-order.ts";
import { ServerLoad } from "./server-load.ts";

/** Carries out an order; the results stand in the order of its targets. */
export async function runLoad(order: LoadOrder): Promise<LoadResult[]> {
  const loads: ServerLoad[] = [];
  for (const target of order.targets) loads.push(await ServerLoad.connect(target));
  if (order.warmMs > 0)
    for (const load of loads) await load.run({ kind: "closed-loop" }, order.warmMs, false);
  for (let round = 0; round < order.rounds; round++) {
    // The order changes from round to round, so that no server always follows the same one.
    for (const load of round % 2 === 0 ? loads : loads.toReversed())
      await load.run(order.pace, order.windowMs, true);
  }
  return loads.map((load) => load.finish());
}
