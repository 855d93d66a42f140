import { openEngine } from "../../src/inference/index.ts";
import { gbdt, trainModel } from "../../src/training/index.ts";
import { readMatrix } from "./matrix-file.ts";

/**
 * `node bench/gbdt/train-once.ts DATASET.json THREADS`: our side of the comparison, in a process of its own as a real
 * run would be, so that starting threads and compiling code are part of the time. Prints one line of JSON.
 */
const [, , path = "", threads = "2"] = process.argv;
const { description, train, test } = readMatrix(path);
const { num_iterations: trees, num_leaves: leaves, learning_rate: learningRate } = description.parameters;
const start = performance.now();
const model = await trainModel(
  gbdt({ trees, leaves, learningRate }),
  { task: description.task, train },
  { seed: 1, threads: Number(threads) },
);
const seconds = (performance.now() - start) / 1000;
const predicted = openEngine(model.engine, model.bytes).predictMatrix(test.matrix);
let loss = 0;
for (let row = 0; row < predicted.length; row++) {
  const [y, p] = [test.target[row]!, predicted[row]!];
  loss += description.task === "binary" ? -Math.log(y === 1 ? p : 1 - p) : (p - y) * (p - y);
}
const mean = loss / predicted.length;
process.stdout.write(
  `${JSON.stringify({ seconds, metric: description.task === "binary" ? mean : Math.sqrt(mean) })}\n`,
);
