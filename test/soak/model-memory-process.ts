import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { writeBundle } from "../../src/bundle/index.ts";
import { identityPlan } from "../../src/features/index.ts";
import { encodeForest, type Forest } from "../../src/inference/index.ts";
import { randomForest } from "../../src/inference/testing/random-forest.ts";
import { type Digest, systemClock } from "../../src/kernel/index.ts";
import { createDataPlane, type DataPlane } from "../../src/serving/index.ts";
import { writeGraphBundle } from "../../src/serving/testing/graph-bundle.ts";
import { type BlobStore, openFileBlobs } from "../../src/storage/index.ts";
import { denseLayers } from "./dense-layers.ts";

/**
 * Loads a forest and an ONNX graph, asks each, unloads both, again and again, and writes the resident bytes after each cycle, a line
 * each. In a process of its own, so that nothing else is measured. Arguments: a folder, and how many cycles.
 */
const [directory = "", cycles = "0"] = process.argv.slice(2);
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const blobs = openFileBlobs(`${directory}/blobs`);
const forest = numericForest();
const names = forest.features.map(({ name }) => name);
const bundles: readonly (readonly [string, Digest])[] = [
  ["forest", await writeForestBundle(blobs, forest)],
  ["graph", await writeGraphBundle(blobs, denseLayers({ megabytes: 16, seed: "memory" }))],
];
const dataPlane = createDataPlane({ blobs, logDirectory: `${directory}/log`, clock: systemClock });
for (let cycle = 1; cycle <= Number(cycles); cycle++) {
  await serve(2 * cycle - 1, bundles);
  await ask(dataPlane, "forest", Object.fromEntries(names.map((name, at) => [name, at * 0.3])));
  await ask(dataPlane, "graph", { x: new Array(1024).fill(0.5) });
  await serve(2 * cycle, []);
  process.stdout.write(`${await settledBytes()}\n`);
}
await dataPlane.close();

async function serve(generation: number, served: readonly (readonly [string, Digest])[]): Promise<void> {
  const models = served.map(([name, bundle]) => ({ name, champion: 1, versions: [{ version: 1, bundle }] }));
  const { problems } = await dataPlane.apply({ format: "slipway.routing/1", generation, models });
  if (problems.length > 0) throw new Error(problems.join("; "));
}

async function ask(
  plane: DataPlane,
  model: string,
  record: Readonly<Record<string, unknown>>,
): Promise<void> {
  const served = plane.find(model);
  const instances = { records: [record], json: undefined };
  await new Promise<void>((resolve, reject) => {
    const waiting = { acknowledge: () => resolve(), refuse: reject };
    if (served.runs === "inline") plane.predict(served, instances, waiting);
    else plane.predictOnThread(served, instances, waiting).catch(reject);
  });
}

/** What stays when garbage has been collected and threads have ended: the least of a few looks. */
async function settledBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 5; look++) {
    collectGarbage();
    await pause(20);
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least;
}

/** The first of the random forests that reads numbers alone. */
function numericForest(): Forest {
  for (let seed = 1; ; seed++) {
    const { features } = randomForest(seed, { trees: 1, mostLeaves: 2 });
    if (features.every(({ kind }) => kind === "numeric"))
      return randomForest(seed, { trees: 2_000, mostLeaves: 63 });
  }
}

async function writeForestBundle(store: BlobStore, given: Forest): Promise<Digest> {
  const inputs = names.map((name) => ({ name, type: "float" as const, required: true }));
  const { digest } = await writeBundle(store, {
    engine: "forest",
    model: encodeForest(given),
    plan: identityPlan(inputs),
    signature: { inputs, output: { name: "y", task: given.task === "binary" ? "binary" : "regression" } },
    profile: {},
  });
  return digest;
}
