import { describe, expect, it } from "vitest";
import type { DerivedColumn, WindowSpec } from "../features/index.ts";
import { replayLog } from "../serving/index.ts";
import { routingOf } from "../serving/testing/small-bundle.ts";
import { writeWindowBundle } from "../serving/testing/window-bundle.ts";
import { type StreamEvent, StreamFollower } from "../stream/index.ts";
import { openStreamRoom, type StreamRoom } from "./testing/stream-room.ts";

const HOUR = 3_600_000;
const window = (change: Partial<WindowSpec>): WindowSpec => ({
  time: "date",
  of: { from: "rows" },
  by: [{ op: "column", name: "origin" }],
  overMs: 24 * HOUR,
  paneMs: HOUR,
  knownAfterMs: 0,
  ...change,
});
const derived: readonly DerivedColumn[] = [
  { name: "flown", type: "float", from: { kind: "window", window: window({}), statistic: "count" } },
  {
    name: "delayed",
    type: "float",
    from: {
      kind: "window",
      window: window({
        of: {
          from: "label",
          expression: { op: "column", name: "delay" },
          columns: [{ name: "delay", type: "int" }],
        },
      }),
      statistic: "mean",
    },
  },
  {
    name: "lost",
    type: "float",
    from: {
      kind: "window",
      window: window({
        of: {
          from: "label",
          expression: {
            op: "add",
            args: [
              { op: "column", name: "delay" },
              { op: "column", name: "detour" },
            ],
          },
          columns: [
            { name: "delay", type: "int" },
            { name: "detour", type: "int" },
          ],
        },
      }),
      statistic: "sum",
    },
  },
];
/** The share of those that were late: what the model predicts. */
const late: DerivedColumn = {
  name: "late",
  type: "float",
  from: {
    kind: "window",
    window: window({
      of: {
        from: "label",
        expression: {
          op: "above",
          args: [
            { op: "column", name: "delay" },
            { op: "constant", value: 15 },
          ],
        } as WindowSpec["by"][number],
        columns: [{ name: "delay", type: "int" }],
        target: true,
      },
    }),
    statistic: "sum",
  },
};
const columns = [
  { name: "date", type: "timestamp", optional: true },
  { name: "origin", type: "category" },
] as const;
const at = (hour: number, origin = "ATL") => ({ date: hour * HOUR, origin });

async function openFlights(): Promise<StreamRoom & { readonly routing: ReturnType<typeof routingOf> }> {
  const room = await openStreamRoom();
  const routing = routingOf(1, [await writeWindowBundle(room.blobs, { columns, derived })]);
  return { ...room, routing };
}

async function eventsIn(room: StreamRoom): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const batch of new StreamFollower(room.logs.stream).read()) events.push(...batch.events);
  return events;
}

/** The values of the windows as they were logged with a prediction. */
async function loggedWindows(room: StreamRoom, id: string): Promise<readonly number[]> {
  const { findPrediction } = await import("../serving/index.ts");
  const { payload } = await findPrediction(room.logs.predictions, id);
  return [...(payload?.derived ?? [])];
}

describe("sequencing", () => {
  it("makes rows of predictions and labels of feedback, which windows of every worker see", async () => {
    const room = await openFlights();
    const [one, two] = [await room.worker(room.routing), await room.worker(room.routing)];
    const sequencer = await room.sequencer({ labelsOf: async () => ["delay", "detour"] });
    const first = await one.predict("late", at(1), at(1, "ORD"));
    expect(first.streamSequence).toBe(0);
    expect(await loggedWindows(room, first.id)).toEqual([
      0,
      Number.NaN,
      Number.NaN,
      0,
      Number.NaN,
      Number.NaN,
    ]);
    await one.say(`${first.id}.0`, 30, { name: "delay", at: new Date(2 * HOUR).toISOString() });
    await two.say(`${first.id}.0`, 12, { name: "detour", at: new Date(3 * HOUR).toISOString() });
    expect(await sequencer.step()).toBe(4);
    await one.windows.poll();
    await two.windows.poll();

    const seen = await two.predict("late", at(2.5), at(2.5, "ORD"), at(4));

    expect(seen.streamSequence).toBe(4);
    expect(await loggedWindows(room, seen.id)).toEqual([
      ...[1, 30, Number.NaN],
      ...[1, Number.NaN, Number.NaN],
      ...[1, 30, 42],
    ]);
    expect(
      (await eventsIn(room)).map(({ kind, predictionId }) => `${kind} ${predictionId.slice(24)}`),
    ).toEqual(["row .0", "row .1", "label .0", "label .0"]);
  });

  it("takes the first value of a label, whoever repeats or corrects it and whenever", async () => {
    const room = await openFlights();
    const worker = await room.worker(room.routing);
    const { id } = await worker.predict("late", at(1));
    const first = await room.sequencer();
    await worker.say(id, 5, { name: "delay" });
    await worker.say(id, 6, { name: "delay" });
    await first.step();
    await worker.say(id, 5, { name: "delay" });
    await worker.say(`${id}.0`, 7, { name: "delay" });
    await worker.say(id, null, { name: "detour" });
    await worker.say(`${id}.1`, 7, { name: "delay" });
    await first.step();
    first.close();
    const second = await room.sequencer();
    await worker.say(id, 8, { name: "delay" });
    expect(await second.step()).toBe(0);
    const labels = (await eventsIn(room)).filter((event) => event.kind === "label");
    expect(labels).toMatchObject([{ name: "delay", labels: { delay: 5 } }]);
    expect(first.counts).toMatchObject({ rows: 1, labels: 1, repeated: 3, unmatched: 1 });
  });

  it("takes the target by its own name or by the column it is made of, whichever comes first", async () => {
    const room = await openStreamRoom();
    const bundle = await writeWindowBundle(room.blobs, { columns, derived: [late] });
    const worker = await room.worker(routingOf(1, [bundle]));
    const sequencer = await room.sequencer({ labelsOf: async () => ["delay"] });
    const said = async (...feedback: readonly (readonly [name: string, value: unknown])[]) => {
      const { id } = await worker.predict("late", at(1));
      for (const [name, value] of feedback)
        await worker.say(id, value, { name, at: new Date(HOUR).toISOString() });
      await sequencer.step();
      await worker.windows.poll();
      const { id: next } = await worker.predict("late", at(2));
      return (await loggedWindows(room, next))[0];
    };
    expect(await said(["target", true])).toBe(1);
    expect(await said(["target", 1], ["delay", 3])).toBe(2);
    expect(await said(["delay", 20], ["target", false])).toBe(3);
    expect(await said(["delay", 3], ["target", true])).toBe(3);
    expect(await said(["target", "late"])).toBe(3);
    expect(worker.windows.list()[0]?.skipped).toBe(1);
  });

  it("takes what was recommended for nothing that happened, but what is said of it for a label", async () => {
    const room = await openFlights();
    const worker = await room.worker(room.routing);
    const sequencer = await room.sequencer();
    const { dataPlane } = worker;
    await worker.predict("late", at(1), at(1, "ORD"));
    await sequencer.step();
    await worker.windows.poll();
    const request = { context: { date: 2 * HOUR }, candidates: [{ origin: "JFK" }, { origin: "ORD" }], n: 2 };
    const acknowledged = Promise.withResolvers<void>();
    const { id, items, streamSequence } = await dataPlane.recommend(dataPlane.find("late"), request, {
      acknowledge: () => acknowledged.resolve(),
      refuse: acknowledged.reject,
    });
    await acknowledged.promise;
    expect(streamSequence).toBe(2);
    const place = items.findIndex(({ item }) => (item as { origin: string }).origin === "ORD");
    expect((await loggedWindows(room, id))[place * 3]).toBe(1);
    await worker.say(`${id}.${place}`, 30, { name: "delay", at: new Date(3 * HOUR).toISOString() });
    expect(await sequencer.step()).toBe(1);
    expect((await eventsIn(room)).slice(2)).toMatchObject([
      { kind: "label", record: { origin: "ORD" }, timeMs: 2 * HOUR, labels: { delay: 30 } },
    ]);
    const report = await replayLog({
      directory: room.logs.predictions,
      stream: room.logs.stream,
      blobs: room.blobs,
      filter: { id },
    });
    expect(report).toMatchObject({ total: 2, identical: 2, windows: { recomputed: 2, unavailable: 0 } });
  });

  it("leaves out predictions by models without windows, and what was never acknowledged", async () => {
    const room = await openFlights();
    const { writeSmallBundle, FLIGHT } = await import("../serving/testing/small-bundle.ts");
    const plain = await writeSmallBundle(room.blobs, { base: 0 });
    const routing = {
      ...room.routing,
      models: [...room.routing.models, ...routingOf(1, [plain], { name: "plain" }).models],
    };
    const worker = await room.worker(routing);
    const { id } = await worker.predict("plain", FLIGHT);
    await worker.say(id, 1);
    await worker.predict("late", at(1));
    const sequencer = await room.sequencer();
    expect(await sequencer.step()).toBe(1);
    expect(await eventsIn(room)).toMatchObject([{ kind: "row", model: "late", record: at(1) }]);
  });

  it("gives a record that does not say when it happened the time of the prediction, in the log and in the stream", async () => {
    const room = await openFlights();
    const worker = await room.worker(room.routing);
    const sequencer = await room.sequencer();
    for (let i = 0; i < 3; i++) {
      const { id } = await worker.predict("late", { origin: "ATL" });
      expect((await loggedWindows(room, id))[0]).toBe(i);
      await sequencer.step();
      await worker.windows.poll();
    }
    const { id } = await worker.predict("late", { origin: "ATL", date: null });
    expect((await loggedWindows(room, id))[0]).toBeNaN();
  });

  it("leaves out what is dated in the future, which would make windows forget the present", async () => {
    const room = await openFlights();
    const worker = await room.worker(room.routing);
    const sequencer = await room.sequencer();
    const tomorrow = room.clock() / HOUR + 23;
    const { id } = await worker.predict("late", at(tomorrow), at(tomorrow + 24));
    await worker.say(`${id}.1`, 5, { name: "delay" });
    await worker.say(`${id}.0`, 5, { name: "delay", at: "2123-01-01" });
    expect(await sequencer.step()).toBe(1);
    expect(sequencer.counts).toMatchObject({ rows: 1, labels: 0, future: 3 });
  });

  it("sequences nothing twice and leaves nothing out, however often it is started anew", async () => {
    const room = await openFlights();
    const workers = [await room.worker(room.routing), await room.worker(room.routing)];
    const said: string[] = [];
    for (let round = 0; round < 6; round++) {
      for (const worker of workers) {
        const { id } = await worker.predict("late", at(round), at(round));
        await worker.say(`${id}.1`, round, { name: "delay" });
        said.push(`row ${id}.0`, `row ${id}.1`, `label ${id}.1`);
      }
      // A sequencer that is not closed has been killed.
      const sequencer = await room.sequencer({ maxSegmentBytes: 500 });
      await sequencer.step();
    }
    const events = await eventsIn(room);
    expect(events.map(({ kind, predictionId }) => `${kind} ${predictionId}`).sort()).toEqual(said.sort());
  });
});

describe("replaying predictions by a model with windows", () => {
  it("takes what the windows said from the log, and finds it again in the stream", async () => {
    const room = await openFlights();
    const [one, two] = [await room.worker(room.routing), await room.worker(room.routing)];
    const sequencer = await room.sequencer();
    for (let hour = 0; hour < 12; hour++) {
      for (const worker of [one, two]) {
        const { id } = await worker.predict("late", at(hour), { origin: "ORD" });
        await worker.say(`${id}.0`, hour * 10, {
          name: "delay",
          at: new Date((hour + 1) * HOUR).toISOString(),
        });
        if (hour % 3 === 0) await sequencer.step();
        if (hour % 2 === 0) await worker.windows.poll();
      }
    }
    const request = { directory: room.logs.predictions, blobs: room.blobs, filter: {} };
    expect(await replayLog(request)).toMatchObject({
      total: 48,
      identical: 48,
      windows: { recomputed: 0, unavailable: 0 },
    });
    expect(await replayLog({ ...request, stream: room.logs.stream })).toMatchObject({
      total: 48,
      identical: 48,
      windows: { recomputed: 48, unavailable: 0 },
    });
    const { replayed } = await replayElsewhere(request);
    expect(replayed.windows.unavailable).toBeGreaterThan(0);
    expect(replayed.identical).toBe(48);
  });
});

/** Where there is no stream. */
async function replayElsewhere(request: Parameters<typeof replayLog>[0]) {
  return { replayed: await replayLog({ ...request, stream: `${request.directory}-gone` }) };
}
