/**
 * Registers versions of a model in a database that others use at the same time, and writes the number of each to its
 * standard output. Arguments: the database as JSON, the model, who registers, how many (without it until killed).
 */
import { writeSync } from "node:fs";
import { digestOf, newId, systemClock } from "../../src/kernel/index.ts";
import { createRegistry } from "../../src/registry/index.ts";
import { openDatabase } from "../../src/storage/index.ts";

const [target, model, actor, count] = process.argv.slice(2);
if (target === undefined || model === undefined || actor === undefined)
  throw new Error("arguments are missing");
const database = await openDatabase(JSON.parse(target));
const registry = createRegistry(database, { clock: systemClock });
for (let i = 0; i < Number(count ?? Number.POSITIVE_INFINITY); i++) {
  const run = newId("run", systemClock);
  await registry.startRun({ id: run, model, actor, owner: String(process.pid) });
  const { version } = await registry.registerVersion({
    model,
    bundle: digestOf(run),
    status: i % 4 === 3 ? "rejected" : "accepted",
    run,
    dataset: "flights",
    snapshot: digestOf("rows"),
    plan: digestOf("plan"),
    recipe: { seed: i },
    metrics: [],
    gates: [],
    actor,
  });
  await registry.setAlias({ model, alias: "candidate", version, actor });
  await registry.finishRun({ id: run, state: "succeeded", actor, outcome: { version } });
  writeSync(1, `${version}\n`);
}
await database.close();
