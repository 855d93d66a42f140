import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FeedbackIntake, Sequencer } from "../../src/feedback/index.ts";
import { createRandom, formatIsoTime, systemClock } from "../../src/kernel/index.ts";
import {
  createDataPlane,
  type DataPlane,
  type Prediction,
  readPredictionLog,
  replayLog,
} from "../../src/serving/index.ts";
import { routingOf } from "../../src/serving/testing/small-bundle.ts";
import { writeWindowBundle } from "../../src/serving/testing/window-bundle.ts";
import { openFileBlobs } from "../../src/storage/index.ts";
import { LiveWindows } from "../../src/stream/index.ts";
import {
  type History,
  independentBatches,
  labelOf,
  offlineValues,
  readHistory,
  recordOf,
} from "./histories.ts";

const MODEL = "late";
const WORKERS = 2;
const MOST_AT_ONCE = 500;

interface Worker {
  readonly dataPlane: DataPlane;
  readonly windows: LiveWindows;
  readonly intake: FeedbackIntake;
}

/**
 * Sends a history through everything that is online but the sockets: predictions by two workers in turn in the order of
 * time, feedback when it becomes known, the sequencer between them, some of them started anew now and then. What the
 * windows said must be, bit for bit, what training computes from the table at once; and the replay must find it again.
 */
export async function replayHistory(
  name: "movielens-latest-small" | "flights",
  { rows, restarts }: { readonly rows?: number; readonly restarts: number },
): Promise<string> {
  const history = await readHistory(name, rows);
  if (history === undefined) return `SKIPPED: ${name} is not on this machine`;
  const directory = mkdtempSync(join(tmpdir(), "slipway-online-"));
  try {
    return await drive(history, { directory, restarts });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function drive(
  history: History,
  { directory, restarts }: { readonly directory: string; readonly restarts: number },
): Promise<string> {
  const { table, columns, derived, label } = history;
  const folder = (part: string) => join(directory, part);
  const blobs = openFileBlobs(folder("blobs"));
  const bundle = await writeWindowBundle(blobs, { columns, derived });
  const random = createRandom("restarts");
  const openWorker = async (): Promise<Worker> => {
    const windows = new LiveWindows({
      directory: folder("stream"),
      checkpoints: folder("windows"),
      clock: systemClock,
      checkpointEvery: 5_000,
    });
    const dataPlane = createDataPlane({ blobs, logDirectory: folder("log"), clock: systemClock, windows });
    const { incarnation } = dataPlane;
    const intake = new FeedbackIntake({
      directory: folder("feedback"),
      clock: systemClock,
      incarnation,
      mayBeKnown: async () => true,
    });
    const { problems } = await dataPlane.apply(routingOf(1, [bundle], { name: MODEL }));
    assert.deepEqual(problems, []);
    return { dataPlane, windows, intake };
  };
  const openSequencer = (): Promise<Sequencer> =>
    Sequencer.open({
      predictionLog: folder("log"),
      feedbackLog: folder("feedback"),
      stream: folder("stream"),
      clock: systemClock,
      durability: "os",
      labelsOf: async () => [label],
    });

  const workers = await Promise.all(Array.from({ length: WORKERS }, openWorker));
  let sequencer = await openSequencer();
  const waiting = new WaitingLabels();
  const ids = new Array<string>(table.rowCount);
  const startedAt = performance.now();
  let batches = 0;
  let restarted = 0;
  const perRestart = table.rowCount / (restarts + 1);
  let done = 0;
  for (const batch of independentBatches(history, MOST_AT_ONCE)) {
    const records = batch.map((row) => recordOf(history, row));
    const times = records.map((record) => history.program.rowEvent(record).timeMs ?? 0);
    const known = waiting.until(times[0]!);
    if (done >= perRestart * (restarted + 1)) {
      // A worker that is not closed, and a sequencer that is not, have been killed.
      const which = random.integer(WORKERS);
      if (random.float() < 0.5) workers[which]!.windows.close();
      workers[which] = await openWorker();
      sequencer = await openSequencer();
      restarted++;
    }
    const worker = workers[batches % WORKERS]!;
    for (let at = 0; at < known.length; at += MOST_AT_ONCE) {
      const outcomes = await worker.intake.take(known.slice(at, at + MOST_AT_ONCE));
      assert.ok(outcomes.every(({ outcome }) => outcome === "accepted"));
    }
    await sequencer.step();
    for (const { windows } of workers) await windows.poll();
    const { id } = await predict(worker, records);
    for (const [at, row] of batch.entries()) {
      const own = batch.length === 1 ? id : `${id}.${at}`;
      ids[row] = own;
      const value = labelOf(history, row);
      if (value !== null)
        waiting.add({ predictionId: own, name: label, value, at: formatIsoTime(times[at]!) }, times[at]!);
    }
    batches++;
    done += batch.length;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  for (const { dataPlane, intake } of workers) {
    intake.close();
    await dataPlane.close();
  }
  const share = await compare(history, { ids, log: folder("log") });
  const replayed = await replayLog({
    directory: folder("log"),
    blobs,
    filter: {},
    stream: folder("stream"),
  });
  assert.equal(replayed.identical, table.rowCount, JSON.stringify(replayed.examples[0]));
  assert.deepEqual(replayed.windows, { recomputed: table.rowCount, unavailable: 0 });
  const count = (of: number): string => of.toLocaleString("en");
  return [
    `${count(table.rowCount)} rows × ${derived.length} windows, online = offline bit for bit`,
    `${(100 * share).toFixed(1)} % not missing`,
    `${count(batches)} steps, ${restarted} restarts, ${count(Math.round(table.rowCount / seconds))} rows/s`,
    "all recomputed from the stream",
  ].join(", ");
}

/** Compares what was logged with what training computes, and answers which share of it is not missing. */
async function compare(
  history: History,
  { ids, log }: { readonly ids: readonly string[]; readonly log: string },
): Promise<number> {
  const width = history.derived.length;
  const expected = offlineValues(history);
  const rowOf = new Map(ids.map((id, row) => [id, row]));
  let compared = 0;
  let present = 0;
  for await (const { id, instances, payload } of readPredictionLog(log)) {
    for (let at = 0; at < instances; at++) {
      const row = rowOf.get(instances === 1 ? id : `${id}.${at}`);
      assert.ok(row !== undefined && payload !== undefined, `nobody asked for ${id}`);
      const logged = payload.derived.slice(at * width, (at + 1) * width);
      const offline = expected.slice(row * width, (row + 1) * width);
      if (!Buffer.from(logged.buffer).equals(Buffer.from(offline.buffer)))
        assert.fail(`row ${row}: online ${[...logged].join(", ")}, offline ${[...offline].join(", ")}`);
      compared++;
      present += logged.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
    }
  }
  assert.equal(compared, history.table.rowCount);
  const share = present / (compared * width);
  assert.ok(share >= 0.5, `only ${share} of the values are not missing`);
  return share;
}

function predict({ dataPlane }: Worker, records: readonly Record<string, unknown>[]): Promise<Prediction> {
  return new Promise((resolve, reject) => {
    const prediction = dataPlane.predict(
      dataPlane.find(MODEL),
      { records, json: undefined },
      { acknowledge: () => resolve(prediction), refuse: reject },
    );
  });
}

interface LabelItem {
  readonly predictionId: string;
  readonly name: string;
  readonly value: number;
  readonly at: string;
}

/** Labels in the order of their rows, each said once time has come to the moment of its row: the earliest that anybody may see it. */
class WaitingLabels {
  readonly #items: { readonly item: LabelItem; readonly timeMs: number }[] = [];
  #next = 0;

  add(item: LabelItem, timeMs: number): void {
    this.#items.push({ item, timeMs });
  }

  until(timeMs: number): LabelItem[] {
    const from = this.#next;
    while (this.#next < this.#items.length && this.#items[this.#next]!.timeMs <= timeMs) this.#next++;
    return this.#items.slice(from, this.#next).map(({ item }) => item);
  }
}
