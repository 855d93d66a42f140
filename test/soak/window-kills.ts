import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBundle } from "../../src/bundle/index.ts";
import { compilePlan, type FeaturePlan, streamTable, windowProgram } from "../../src/features/index.ts";
import { newestFeedback } from "../../src/feedback/index.ts";
import { createRandom, type Digest, formatIsoTime, selectRows } from "../../src/kernel/index.ts";
import { readPredictionLog } from "../../src/serving/index.ts";
import { openFileBlobs } from "../../src/storage/index.ts";
import { LiveWindows } from "../../src/stream/index.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { scratchFolder, slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { type History, independentBatches, labelOf, readHistory, recordOf } from "./histories.ts";
import { PinnedConnections } from "./pinned-connections.ts";

const MODEL = "late";
const WORKERS = 2;
const MOST_AT_ONCE = 200;

/**
 * Sends flights to a real server over HTTP in the order of time, with their labels as they become known, and kills its
 * workers and its control plane with SIGKILL while requests are on their way. No acknowledged feedback may be lost,
 * none counted twice, and what the windows said must be what training computes from the same rows, bit for bit.
 */
export async function killUnderWindows(size: {
  readonly trained: number;
  readonly live: number;
  readonly kills: number;
}): Promise<string> {
  const history = await readHistory("flights", size.trained + size.live);
  assert.ok(history !== undefined);
  // The bundle covers the time of its last row: a row of that very minute would be taken for one that it has seen.
  let { trained } = size;
  while (timeOf(history, trained) === timeOf(history, trained - 1)) trained--;
  const folder = scratchFolder("window-kills");
  try {
    const campaign = new Campaign(history, {
      trained,
      live: history.table.rowCount - trained,
      kills: size.kills,
      path: folder.path,
    });
    return await campaign.run();
  } finally {
    folder.remove();
  }
}

function timeOf(history: History, row: number): number {
  return history.program.rowEvent(recordOf(history, row)).timeMs ?? Number.NaN;
}

interface Said {
  readonly predictionId: string;
  readonly name: string;
  readonly value: number;
  readonly at: string;
}

class Campaign {
  readonly #history: History;
  readonly #size: { readonly trained: number; readonly live: number; readonly kills: number };
  readonly #path: string;
  readonly #random = createRandom("window kills");
  readonly #ids = new Map<number, string>();
  readonly #acknowledged: Said[] = [];
  #waiting: { readonly said: Said; readonly timeMs: number }[] = [];
  #events = 0;
  #broken = 0;
  #repeated = 0;

  constructor(
    history: History,
    given: { readonly trained: number; readonly live: number; readonly kills: number; readonly path: string },
  ) {
    this.#history = history;
    this.#size = given;
    this.#path = given.path;
  }

  async run(): Promise<string> {
    const { trained, live, kills } = this.#size;
    this.#writeProject();
    await slipwayJson(["train"], { cwd: this.#path });
    const server = await slipwayUp({ cwd: this.#path, args: ["--workers", String(WORKERS)] });
    const connections = new PinnedConnections(server.predictions, WORKERS);
    const startedAt = performance.now();
    try {
      const batches = [...independentBatches(this.#liveHistory(), MOST_AT_ONCE)];
      const every = Math.floor(batches.length / (kills + 1));
      let killed = 0;
      for (const [at, batch] of batches.entries()) {
        const kill = at > 0 && at % every === 0 && killed < kills;
        await this.#send(batch, { connections, turn: at, kill: kill ? killed++ : undefined });
      }
      await this.#say(Number.POSITIVE_INFINITY, { connections, turn: 0 });
      await connections.waitForSequence(this.#events);
    } finally {
      connections.close();
      await server.stop();
    }
    const seconds = (performance.now() - startedAt) / 1000;
    await this.#compareValues();
    await this.#compareFeedback();
    await this.#compareStates();
    const replayed = await slipwayJson<OperationOutput<"replay">>(
      ["replay", "--all", "--recompute-windows"],
      { cwd: this.#path },
    );
    assert.equal(replayed.identical, live, JSON.stringify(replayed.examples[0]));
    assert.deepEqual(replayed.windows, { recomputed: live, unavailable: 0 });
    const count = (of: number): string => of.toLocaleString("en");
    return [
      `${count(live)} rows over HTTP after ${count(trained)} trained, ${kills} kills`,
      `${this.#broken} requests broken, ${count(this.#acknowledged.length)} acknowledged labels, 0 lost, ${this.#repeated} said again`,
      "online = offline bit for bit, states after restarts equal, all recomputed from the stream",
      `${count(Math.round(live / seconds))} rows/s`,
    ].join(", ");
  }

  /** The rows after those that the model was trained on. */
  #liveHistory(): History {
    const rows = Uint32Array.from({ length: this.#size.live }, (_, at) => this.#size.trained + at);
    return { ...this.#history, table: selectRows(this.#history.table, rows) };
  }

  #writeProject(): void {
    const names = this.#history.columns.map(({ name }) => name);
    const lines = [[...names, this.#history.label].join(",")];
    for (let row = 0; row < this.#size.trained; row++) {
      const record = recordOf(this.#history, row);
      lines.push([...names.map((name) => record[name] ?? ""), labelOf(this.#history, row) ?? ""].join(","));
    }
    writeFileSync(join(this.#path, "flights.csv"), `${lines.join("\n")}\n`);
    writeFileSync(join(this.#path, "slipway.config.ts"), CONFIG);
  }

  /** Labels first, then a batch when every worker has seen all before it; something dies while it is on its way. */
  async #send(batch: readonly number[], way: Way & { readonly kill: number | undefined }): Promise<void> {
    const { connections, turn, kill } = way;
    const live = this.#size.trained;
    const records = batch.map((row) => recordOf(this.#history, live + row));
    const times = records.map((record) => this.#history.program.rowEvent(record).timeMs ?? 0);
    const killing: Promise<void>[] = [];
    if (kill !== undefined && kill % 4 !== 2) killing.push(this.#killSoon(kill));
    await this.#say(times[0]!, way);
    await connections.waitForSequence(this.#events);
    const since = Date.now();
    if (kill !== undefined && kill % 4 === 2) killing.push(this.#killSoon(kill));
    let id: string | undefined;
    while (id === undefined) {
      try {
        const { status, headers, body } = await connections.ask(turn, `/v1/models/${MODEL}:predict`, {
          instances: records,
        });
        assert.equal(status, 200, JSON.stringify(body));
        id = String(headers["x-slipway-prediction-id"]);
      } catch (thrown) {
        if (thrown instanceof assert.AssertionError) throw thrown;
        this.#broken++;
        await connections.connect();
        // What was logged before its worker died was asked, though nobody heard the answer.
        id = await this.#loggedSince(since, records);
        if (id === undefined) await connections.waitForSequence(this.#events);
      }
    }
    await Promise.all(killing);
    this.#events += batch.length;
    for (const [at, row] of batch.entries()) {
      const own = batch.length === 1 ? id : `${id}.${at}`;
      this.#ids.set(live + row, own);
      const value = labelOf(this.#history, live + row);
      if (value === null) continue;
      const said = { predictionId: own, name: this.#history.label, value, at: formatIsoTime(times[at]!) };
      this.#waiting.push({ said, timeMs: times[at]! });
    }
  }

  async #say(timeMs: number, { connections, turn }: Way): Promise<void> {
    const known = this.#waiting.filter((label) => label.timeMs <= timeMs);
    this.#waiting = this.#waiting.slice(known.length);
    for (let from = 0; from < known.length; from += MOST_AT_ONCE) {
      const feedback = known.slice(from, from + MOST_AT_ONCE).map(({ said }) => said);
      for (let answered = false; !answered; ) {
        try {
          const { status, body } = await connections.ask(turn, "/v1/feedback", { feedback });
          assert.equal(status, 200, JSON.stringify(body));
          assert.equal(body.accepted + body.duplicate, feedback.length, JSON.stringify(body));
          this.#repeated += body.duplicate;
          answered = true;
        } catch (thrown) {
          if (thrown instanceof assert.AssertionError) throw thrown;
          this.#broken++;
          await connections.connect();
        }
      }
      this.#acknowledged.push(...feedback);
      this.#events += feedback.length;
    }
  }

  async #loggedSince(since: number, records: readonly object[]): Promise<string | undefined> {
    const input = JSON.stringify(records);
    for await (const { id, payload } of readPredictionLog(this.#state("log"), { since: since - 1 }))
      if (payload?.input.toString() === input) return id;
    return undefined;
  }

  /**
   * The workers while they take feedback or predict, or the control plane, and with it the sequencer, while it reads: within
   * a few milliseconds from now.
   */
  async #killSoon(which: number): Promise<void> {
    const isControl = which % 2 === 1;
    await new Promise((resolve) => setTimeout(resolve, this.#random.float() * (isControl ? 30 : 4)));
    const pids = isControl
      ? [(JSON.parse(readFileSync(this.#state("control.json"), "utf8")) as { pid: number }).pid]
      : readdirSync(this.#state("workers"))
          .filter((name) => /^\d+\.json$/.test(name))
          .map((name) => Number.parseInt(name, 10));
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (thrown) {
        if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH")) throw thrown;
      }
    }
  }

  async #compareValues(): Promise<void> {
    const { bundle } = this.#champion();
    const { plan } = await openBundle(openFileBlobs(this.#state("blobs")), bundle);
    const kernel = compilePlan(plan as unknown as FeaturePlan);
    const program = windowProgram(kernel);
    assert.ok(program !== undefined);
    const { columns } = streamTable(program, this.#history.table);
    const width = kernel.derived.length;
    const rows = new Map([...this.#ids].map(([row, id]) => [id, row]));
    let compared = 0;
    let present = 0;
    for await (const { id, instances, payload } of readPredictionLog(this.#state("log"))) {
      for (let at = 0; at < instances; at++) {
        const row = rows.get(instances === 1 ? id : `${id}.${at}`);
        assert.ok(row !== undefined && payload !== undefined, `nobody asked for ${id}`);
        for (const [place, { values }] of columns) {
          const logged: number = payload.derived[at * width + place]!;
          assert.ok(Object.is(logged, values[row]), `row ${row}: online ${logged}, offline ${values[row]}`);
          if (!Number.isNaN(logged)) present++;
        }
        compared++;
      }
    }
    assert.equal(compared, this.#size.live);
    assert.ok(present >= (compared * width) / 2, "most values are missing");
  }

  async #compareFeedback(): Promise<void> {
    const kept = await newestFeedback(this.#state("feedback"), { filter: {}, limit: 10_000_000 });
    const values = new Map(kept.map(({ predictionId, value }) => [predictionId, value]));
    const lost = this.#acknowledged.filter(({ predictionId, value }) => values.get(predictionId) !== value);
    assert.deepEqual(lost.slice(0, 3), [], `${lost.length} acknowledged labels are lost`);
  }

  /** The state that a worker restores, and the one that is made of the whole stream. */
  async #compareStates(): Promise<void> {
    const { bundle } = this.#champion();
    const opened = await openBundle(openFileBlobs(this.#state("blobs")), bundle);
    const kernel = compilePlan(opened.plan as unknown as FeaturePlan);
    const program = windowProgram(kernel);
    assert.ok(program !== undefined);
    const subject = { model: MODEL, bundle, program, derived: kernel.derived.length, seed: opened.windows };
    const open = async (checkpoints: string | undefined) => {
      const clock = () => 0;
      const given = {
        directory: this.#state("stream"),
        clock,
        ...(checkpoints === undefined ? {} : { checkpoints }),
      };
      const windows = await new LiveWindows(given).open(subject);
      assert.equal(windows.sequence, this.#events);
      assert.equal(windows.skipped, 0);
      return Buffer.from(windows.toBytes());
    };
    assert.ok(
      (await open(this.#state("windows"))).equals(await open(undefined)),
      "the restored state is another one",
    );
  }

  #champion(): { readonly bundle: Digest } {
    const routing = JSON.parse(readFileSync(this.#state("routing.json"), "utf8")) as {
      models: { versions: { bundle: Digest }[] }[];
    };
    return routing.models[0]!.versions[0]!;
  }

  #state(part: string): string {
    return join(this.#path, ".slipway", part);
  }
}

interface Way {
  readonly connections: PinnedConnections;
  readonly turn: number;
}

const CONFIG = `import { byTime, csv, dataset, gbdt, model } from "slipway";

export const flights = dataset({
  source: csv("flights.csv"),
  columns: {
    date: "timestamp",
    delay: { type: "int", known: "after" },
    distance: "int",
    origin: "category",
    destination: "category",
  },
  time: "date",
});

export const late = model({
  from: flights,
  target: (row) => row.delay.above(15),
  features: (c, past) => ({
    distance: c.distance,
    departures: past.rows.count({ by: c.origin, over: "3h" }),
    late: past.target.rate({ by: c.origin, over: "24h", knownAfter: "6h" }),
    route: past.target.rate({ by: [c.origin, c.destination], over: "7d", knownAfter: "6h" }),
    delay: past.column("delay").mean({ by: c.origin, over: "3h", knownAfter: "2h" }),
    worst: past.column("delay").maximum({ by: c.destination, over: "6h", knownAfter: "2h" }),
    everywhere: past.target.rate({ over: "2h", knownAfter: "2h" }),
  }),
  split: byTime({ evaluateFrom: { share: 0.2 } }),
  trainer: gbdt({ trees: 10, leaves: 7 }),
});
`;
