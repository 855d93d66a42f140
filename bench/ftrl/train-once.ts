import { decodeLinear, openEngine } from "../../src/inference/index.ts";
import { ftrl, trainModel } from "../../src/training/index.ts";
import { readMatrix } from "../gbdt/matrix-file.ts";

/**
 * `node bench/ftrl/train-once.ts DATASET.json [OPTIONS]`: our side of the comparison, in a process of its own. Prints one
 * line of JSON.
 */
const [, , path = "", options = "{}"] = process.argv;
const { description, train, test } = readMatrix(path);
const loadedBytes = process.resourceUsage().maxRSS * 1024;
const start = performance.now();
const model = await trainModel(
  ftrl(JSON.parse(options)),
  { task: description.task, train },
  { seed: 1, threads: 1 },
);
const seconds = (performance.now() - start) / 1000;
const peakBytes = process.resourceUsage().maxRSS * 1024;
const predicted = openEngine(model.engine, model.bytes).predictMatrix(test.matrix);
let loss = 0;
for (let row = 0; row < predicted.length; row++) {
  const p = predicted[row]!;
  loss -= Math.log(test.target[row] === 1 ? p : 1 - p);
}
const metric = loss / predicted.length;
const weights = decodeLinear(model.bytes).slots.length;
process.stdout.write(`${JSON.stringify({ seconds, metric, loadedBytes, peakBytes, weights })}\n`);
