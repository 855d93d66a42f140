import type { LoadOrder } from "./load-order.ts";
import { runLoad } from "./run-load.ts";

/** One process that makes load as it is ordered to, so that its work is on no server's event loop. */
process.on("message", (order: LoadOrder) => {
  runLoad(order).then((results) => process.send?.(results));
});
