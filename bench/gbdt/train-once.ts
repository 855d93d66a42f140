import { openEngine } from "../../src/inference/index.ts";
import { gbdt, trainModel } from "../../src/training/index.ts";
import { readMatrix } from "./matrix-file.ts";
import { meanLoss } from "./mean-loss.ts";

/**
 * `node bench/gbdt/train-once.ts DATASET.json THREADS`: our side of the comparison, in a process of its own as a real
 * run would be, so that starting threads and compiling code are part of the time. Prints one line of JSON.
 */
const [, , path = "", threads = "2"] = process.argv;
const { description, train, test } = readMatrix(path);
const { num_iterations: trees, num_leaves: leaves, learning_rate: learningRate } = description.parameters;
const { classes } = description;
const start = performance.now();
const model = await trainModel(
  gbdt({ trees, leaves, learningRate, ...description.objective?.ours }),
  {
    task: description.task,
    ...(classes === undefined ? {} : { classes: Array.from({ length: classes }, (_, k) => String(k)) }),
    train,
  },
  { seed: 1, threads: Number(threads) },
);
const seconds = (performance.now() - start) / 1000;
const predicted = openEngine(model.engine, model.bytes).predictMatrix(test.matrix);
process.stdout.write(`${JSON.stringify({ seconds, metric: meanLoss(description, test, predicted) })}\n`);
