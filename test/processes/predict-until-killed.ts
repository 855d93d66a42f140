import { Agent, request } from "node:http";
import { join } from "node:path";
import { startPredictionServer } from "../../src/http/index.ts";
import { parseDigest, systemClock } from "../../src/kernel/index.ts";
import { createDataPlane } from "../../src/serving/index.ts";
import { FLIGHT, routingOf } from "../../src/serving/testing/small-bundle.ts";
import { openFileBlobs } from "../../src/storage/index.ts";

/** predict-until-killed.ts DIRECTORY BUNDLE: serves, asks itself over sockets, and writes every acknowledged id. */
const [directory = "", bundle = ""] = process.argv.slice(2);
const dataPlane = createDataPlane({
  blobs: openFileBlobs(join(directory, "blobs")),
  logDirectory: join(directory, "log"),
  clock: systemClock,
  maxSegmentBytes: 100_000,
});
await dataPlane.apply(routingOf(1, [parseDigest(bundle)]));
const server = await startPredictionServer({ dataPlane, listen: { host: "127.0.0.1", port: 0 } });
const agent = new Agent({ keepAlive: true });
const body = JSON.stringify({ instances: [FLIGHT] });
const options = {
  host: "127.0.0.1",
  port: server.port,
  path: "/v1/models/late:predict",
  method: "POST",
  agent,
};

function ask(): void {
  const asked = request(options, (answer) => {
    answer.resume();
    answer.once("end", () => {
      process.stdout.write(`${answer.headers["x-slipway-prediction-id"]}\n`);
      ask();
    });
  });
  asked.end(body);
}

for (let connection = 0; connection < 8; connection++) ask();
