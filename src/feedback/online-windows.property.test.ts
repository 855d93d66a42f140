import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type DerivedColumn,
  type FeaturePlan,
  streamTable,
  type WindowSpec,
  windowProgram,
} from "../features/index.ts";
import { tableOf } from "../features/testing/expressions.ts";
import { findPrediction } from "../serving/index.ts";
import { routingOf } from "../serving/testing/small-bundle.ts";
import { writeWindowBundle } from "../serving/testing/window-bundle.ts";
import { openStreamRoom, type StreamWorker } from "./testing/stream-room.ts";

const columns: FeaturePlan["columns"] = [
  { name: "t", type: "timestamp" },
  { name: "user", type: "category" },
  { name: "price", type: "float" },
];
const KNOWN_AFTER_MS = 60;

const sources: readonly WindowSpec["of"][] = [
  { from: "rows" },
  { from: "value", expression: { op: "column", name: "price" } },
  {
    from: "label",
    expression: {
      op: "multiply",
      args: [
        { op: "column", name: "gain" },
        { op: "column", name: "price" },
      ],
    },
    columns: [{ name: "gain", type: "float" }],
  },
];
const windows = fc.record({
  time: fc.constant("t"),
  of: fc.constantFrom(...sources),
  by: fc.constantFrom<WindowSpec["by"]>([], [{ op: "column", name: "user" }]),
  overMs: fc.constantFrom(1000, 5000),
  paneMs: fc.constantFrom(70, 500),
});
const derivedColumns = fc
  .array(fc.tuple(windows, fc.constantFrom("count", "sum", "mean", "maximum", "hoursSinceLast")), {
    minLength: 1,
    maxLength: 4,
  })
  .map((given) =>
    given.map(([window, statistic], at): DerivedColumn => {
      const knownAfterMs = window.of.from === "label" ? KNOWN_AFTER_MS : 0;
      return {
        name: `w${at}`,
        type: "float",
        from: { kind: "window", window: { ...window, knownAfterMs }, statistic },
      };
    }),
  );
const histories = fc.array(
  fc.record({
    wait: fc.integer({ min: 0, max: 300 }),
    user: fc.constantFrom("a", "b", null),
    price: fc.option(fc.double({ noNaN: true, min: -10, max: 10 }), { freq: 6 }),
    gain: fc.option(fc.double({ noNaN: true, min: -10, max: 10 }), { freq: 4 }),
    worker: fc.nat(1),
    restart: fc.constantFrom("", "", "", "", "", "", "worker", "sequencer", "both"),
  }),
  { minLength: 1, maxLength: 25 },
);

describe("windows online", () => {
  it("say bit for bit what they say offline, through workers, sequencers and their restarts", async () => {
    await fc.assert(
      fc.asyncProperty(derivedColumns, histories, async (derived, history) => {
        let t = 0;
        const rows = history.map(({ wait, ...row }) => {
          t += wait;
          return { ...row, t };
        });
        expect(await online(derived, rows)).toEqual(offline(derived, rows));
      }),
      { numRuns: 12 },
    );
  });
});

interface Row {
  readonly t: number;
  readonly user: string | null;
  readonly price: number | null;
  readonly gain: number | null;
  readonly worker: number;
  readonly restart: string;
}

function offline(derived: readonly DerivedColumn[], rows: readonly Row[]): number[][] {
  const inputs = columns.map(({ name, type }) => ({ name, type, required: true }));
  const table = tableOf({
    t: ["timestamp", rows.map((row) => row.t)],
    user: ["category", rows.map((row) => row.user)],
    price: ["float", rows.map((row) => row.price)],
    gain: ["float", rows.map((row) => row.gain)],
  });
  const { columns: said } = streamTable(windowProgram({ inputs, derived })!, table);
  return rows.map((_, row) => derived.map((__, place) => said.get(place)!.values[row]!));
}

/** Each row is predicted when the stream holds all before it; each label is said before the first row that may see it. */
async function online(derived: readonly DerivedColumn[], rows: readonly Row[]): Promise<number[][]> {
  const room = await openStreamRoom();
  const bundle = await writeWindowBundle(room.blobs, { columns, derived });
  const open = () => room.worker(routingOf(1, [bundle]));
  const workers: StreamWorker[] = [await open(), await open()];
  let sequencer = await room.sequencer();
  const waiting: { id: string; gain: number; known: number }[] = [];
  const ids: string[] = [];
  for (const row of rows) {
    if (row.restart === "worker" || row.restart === "both") {
      await workers[row.worker]!.close();
      workers[row.worker] = await open();
    }
    if (row.restart === "sequencer" || row.restart === "both") sequencer = await room.sequencer();
    const worker = workers[row.worker]!;
    for (const { id, gain, known } of waiting.splice(
      0,
      waiting.filter(({ known: at }) => at <= row.t).length,
    ))
      await worker.say(id, gain, { name: "gain", at: new Date(known).toISOString() });
    await sequencer.step();
    await worker.windows.poll();
    const { t, user, price } = row;
    const { id } = await worker.predict("late", { t, user, price });
    ids.push(id);
    if (row.gain !== null) waiting.push({ id, gain: row.gain, known: t + KNOWN_AFTER_MS });
  }
  const said: number[][] = [];
  for (const id of ids) said.push([...(await findPrediction(room.logs.predictions, id)).payload!.derived]);
  for (const worker of workers) await worker.close();
  return said;
}
