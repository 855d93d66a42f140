import { startGrpcServer } from "../../src/grpc/index.ts";
import { startPredictionServer } from "../../src/http/index.ts";
import { parseDigest, systemClock } from "../../src/kernel/index.ts";
import { createDataPlane } from "../../src/serving/index.ts";
import { openFileBlobs } from "../../src/storage/index.ts";

/** One worker's data plane, as `slipway up` runs it, on ports of its own. */
process.once("message", async (order: { directory: string; bundle: string; model: string }) => {
  const dataPlane = createDataPlane({
    blobs: openFileBlobs(`${order.directory}/blobs`),
    logDirectory: `${order.directory}/log`,
    clock: systemClock,
  });
  const report = await dataPlane.apply({
    format: "slipway.routing/1",
    generation: 1,
    models: [
      { name: order.model, champion: 1, versions: [{ version: 1, bundle: parseDigest(order.bundle) }] },
    ],
  });
  if (report.problems.length > 0) throw new Error(report.problems.join("; "));
  const listen = { host: "127.0.0.1", port: 0 };
  const http = await startPredictionServer({ dataPlane, listen });
  // The load generator does not connect anew.
  const grpc = await startGrpcServer({ dataPlane, listen, maxConnectionAgeMs: 3_600_000 });
  process.send?.({ port: http.port, grpcPort: grpc.port });
});
