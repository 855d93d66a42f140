import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { newestFeedback } from "../../src/feedback/index.ts";
import { verifyLogChain } from "../../src/serving/index.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { type CommandOptions, predict, slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { ownPostgresDatabase } from "../databases.ts";
import { startLoad } from "./load.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "./project.ts";

/** So many predictions get feedback before each backup. */
const FEEDBACK = 100;

type Backup = OperationOutput<"backup">;
type Versions = OperationOutput<"models.versions">;
type Replayed = OperationOutput<"replay">;

/**
 * Takes backups while predictions are answered and versions are deployed, and restores each into an empty SQLite and an
 * empty PostgreSQL. Both must list the same versions, serve the same champion with the same answers, and hold every
 * prediction and all feedback that was acknowledged before the backup began; predictions must replay bit for bit.
 */
export async function backUpUnderLoad({
  backups,
  loadMs,
}: {
  readonly backups: number;
  /** How long there is load before each backup. */
  readonly loadMs: number;
}): Promise<string> {
  const project = writeProject(2_000);
  const cwd = project.path;
  try {
    await trainChampion(project);
    await retrain(project);
    let predictions = 0;
    let megabytes = 0;
    for (let backup = 0; backup < backups; backup++) {
      const server = await slipwayUp({ cwd, args: ["--workers", "2"] });
      const load = startLoad(server.predictions, 8);
      const file = join(cwd, `${backup}.backup`);
      let acknowledged: readonly string[] = [];
      let told: readonly string[] = [];
      let written: Backup | undefined;
      try {
        await pause(loadMs);
        await slipwayJson(["deploy", `${model}@${1 + (backup % 2)}`], { cwd });
        acknowledged = [...load.acknowledged];
        told = await tell(server.predictions, acknowledged.slice(-FEEDBACK));
        written = await slipwayJson<Backup>(["backup", "--out", file], { cwd });
        // What happens from now on is not in it.
        await slipwayJson(["deploy", `${model}@${2 - (backup % 2)}`], { cwd });
      } finally {
        await load.stop();
        await server.stop();
      }
      assert.ok(acknowledged.length > 0, "nothing was answered before the backup");
      assert.equal(load.refused() + load.unanswered(), 0, "requests failed");
      megabytes += written.bytes / 1e6;
      const champion = 1 + (backup % 2);
      const name = String(backup);
      predictions += await compareRestored({ project, file, name, champion, acknowledged, told });
    }
    return `${backups} backup${backups === 1 ? "" : "s"}, ${megabytes.toFixed(1)} MB, restored into SQLite and PostgreSQL alike; ${predictions.toLocaleString("en")} predictions replayed, all identical`;
  } finally {
    project.remove();
  }
}

/** Sends feedback about predictions and gives their ids when it has been acknowledged. */
async function tell(base: string, ids: readonly string[]): Promise<readonly string[]> {
  const feedback = ids.map((predictionId) => ({ predictionId, value: true }));
  const response = await fetch(`${base}/v1/feedback`, { method: "POST", body: JSON.stringify({ feedback }) });
  const { accepted } = (await response.json()) as { readonly accepted: number };
  assert.equal(accepted, ids.length, "feedback was not accepted");
  return ids;
}

/** A second version, of other parameters. */
async function retrain(project: SoakProject): Promise<void> {
  const config = join(project.path, "slipway.config.ts");
  writeFileSync(config, readFileSync(config, "utf8").replace("leaves: 15", "leaves: 7"));
  await slipwayJson(["train"], { cwd: project.path });
}

async function compareRestored(given: {
  readonly project: SoakProject;
  readonly file: string;
  readonly name: string;
  readonly champion: number;
  readonly acknowledged: readonly string[];
  /** The predictions about which there was feedback. */
  readonly told: readonly string[];
}): Promise<number> {
  const { project, file, name } = given;
  const target = (kind: string): string => {
    const path = join(project.path, `${name}-${kind}`);
    mkdirSync(path);
    writeFileSync(join(path, "slipway.config.ts"), readFileSync(join(project.path, "slipway.config.ts")));
    return path;
  };
  const postgres = await ownPostgresDatabase();
  try {
    const restored = [await restoredInto({ file, path: target("sqlite") })];
    if (postgres !== undefined)
      restored.push(await restoredInto({ file, path: target("postgres"), databaseUrl: postgres.url }));
    const original = await slipwayJson<Versions>(["models", model], { cwd: project.path });
    const answers: unknown[] = [];
    let replays = 0;
    for (const options of restored) {
      const { versions } = await slipwayJson<Versions>(["models", model], options);
      const without = (listed: Versions["versions"]) => listed.map(({ aliases: _, ...version }) => version);
      assert.deepEqual(without(versions), without(original.versions), "other versions are listed");
      const aliased = versions.filter(({ aliases }) => aliases.includes("champion"));
      assert.deepEqual(
        aliased.map(({ version }) => version),
        [given.champion],
        "another champion",
      );
      replays += await checkLog(options, given.acknowledged);
      const feedback = await newestFeedback(join(options.cwd, ".slipway/feedback"), {
        filter: {},
        limit: 1_000_000,
      });
      const known = new Set(feedback.map(({ predictionId }) => predictionId));
      assert.ok(
        given.told.every((id) => known.has(id)),
        "feedback is missing",
      );
      answers.push(await answerOf(options));
    }
    for (const answer of answers)
      assert.deepEqual(answer, answers[0], "the restored champions answer differently");
    return replays;
  } finally {
    await postgres?.remove();
  }
}

/** Restores a backup for the project in a folder; gives what later commands need to reach it. */
export async function restoredInto(target: {
  readonly file: string;
  readonly path: string;
  /** Default: SQLite in the state directory. */
  readonly databaseUrl?: string;
}): Promise<CommandOptions> {
  const { file, path: cwd, databaseUrl } = target;
  const options = { cwd, env: databaseUrl === undefined ? {} : { SLIPWAY_DATABASE_URL: databaseUrl } };
  await slipwayJson(["restore", file], options);
  return options;
}

async function checkLog(options: CommandOptions, acknowledged: readonly string[]): Promise<number> {
  const chain = await verifyLogChain(join(options.cwd, ".slipway/log"));
  assert.deepEqual(chain.broken, [], "the log's chain is broken");
  assert.ok(
    chain.sealed >= acknowledged.length,
    `${chain.sealed} of ${acknowledged.length} acknowledged predictions are in the backup`,
  );
  const replayed = await slipwayJson<Replayed>(["replay", "--all"], options);
  assert.equal(replayed.identical, replayed.predictions, JSON.stringify(replayed.examples[0]));
  assert.ok(replayed.predictions >= acknowledged.length, "predictions are missing");
  return replayed.predictions;
}

async function answerOf(options: CommandOptions): Promise<unknown> {
  const server = await slipwayUp(options);
  try {
    const { body, headers } = await predict(server.predictions, model, {
      instances: [recordOf(3), recordOf(4)],
    });
    return { body, version: headers.get("x-slipway-version") };
  } finally {
    await server.stop();
  }
}
