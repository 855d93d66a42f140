import { compilePlan, type FeatureKernel, fitPlan } from "../src/features/index.ts";
import { createRandom, formatIsoTime, monotonicMs, type Random, type Table } from "../src/kernel/index.ts";
import { csv, dataset, featureSpecOf, model, when } from "../src/project/index.ts";
import type { BenchRow } from "./bench-row.ts";
import { createByHand } from "./features/by-hand.ts";
import { createClosures } from "./features/closures.ts";

/**
 * The generated feature kernel on 22 features with 29 outputs, for one record and for batches, against the same
 * features as composed closures and as a function written by hand. Fields are checked by all three.
 */

const trips = dataset({
  source: csv("trips.csv"),
  columns: {
    date: "timestamp",
    distance: "int",
    price: "float",
    weight: "float",
    age: "int",
    pieces: "int",
    origin: "category",
    destination: "category",
    carrier: "category",
    express: "bool",
    late: { type: "bool", known: "after" },
  },
  time: "date",
});

const lateTrips = model({
  from: trips,
  target: (row) => row.late,
  features: (c) => ({
    hour: c.date.hourOfDay(),
    month: c.date.month(),
    dayOfYear: c.date.dayOfYear(),
    weekday: c.date.dayOfWeek(),
    days: c.date.daysSince("2020-01-01"),
    distance: c.distance,
    miles: c.distance.log1p(),
    far: c.distance.above(1500),
    price: c.price.fillMissing("median"),
    priceKnown: c.price.isMissing().not(),
    perMile: c.price.divide(c.distance.add(1)),
    priceStandard: c.price.log1p().standardized(),
    weight: c.weight.clip({ low: 0, high: 1000 }),
    density: c.weight.divide(c.pieces.maximum(1)).squareRoot(),
    age: when(c.age.above(120), null, c.age),
    ageBucket: c.age.bucketized(10),
    heavy: c.weight.above(20).and(c.express),
    carrier: c.carrier.oneHot({ maxCategories: 8 }),
    origin: c.origin,
    originShare: c.origin.frequencyEncoded(),
    originLate: c.origin.targetEncoded({ smoothing: 50 }),
    route: c.origin.cross(c.destination).hashed(4096),
  }),
});

const AIRPORTS = Array.from({ length: 300 }, (_, at) => `${at.toString(36).toUpperCase().padStart(3, "A")}`);
const CARRIERS = ["AA", "DL", "UA", "WN", "B6", "AS", "NK", "F9"];

interface Trips {
  readonly table: Table;
  readonly late: Float64Array;
}

function drawTrips(rowCount: number, random: Random): Trips {
  const column = (draw: () => number): Float64Array => {
    const values = new Float64Array(rowCount);
    for (let row = 0; row < rowCount; row++) values[row] = random.float() < 0.03 ? Number.NaN : draw();
    return values;
  };
  const codes = (count: number): Int32Array => {
    const drawn = new Int32Array(rowCount);
    for (let row = 0; row < rowCount; row++) drawn[row] = random.integer(count);
    return drawn;
  };
  const table: Table = {
    rowCount,
    columns: new Map([
      ["date", { kind: "number", values: column(() => 1_577_836_800_000 + random.integer(60_000) * 60_000) }],
      ["distance", { kind: "number", values: column(() => random.integer(3000)) }],
      ["price", { kind: "number", values: column(() => random.float() * 500) }],
      ["weight", { kind: "number", values: column(() => random.float() * 50) }],
      ["age", { kind: "number", values: column(() => random.integer(130)) }],
      ["pieces", { kind: "number", values: column(() => random.integer(5)) }],
      ["express", { kind: "number", values: column(() => random.integer(2)) }],
      ["origin", { kind: "string", codes: codes(AIRPORTS.length), dictionary: AIRPORTS }],
      ["destination", { kind: "string", codes: codes(AIRPORTS.length), dictionary: AIRPORTS }],
      ["carrier", { kind: "string", codes: codes(CARRIERS.length), dictionary: CARRIERS }],
    ]),
  };
  const late = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) late[row] = random.integer(2);
  return { table, late };
}

function recordsOf(table: Table): Record<string, unknown>[] {
  return Array.from({ length: table.rowCount }, (_, row) => {
    const record: Record<string, unknown> = {};
    for (const [name, column] of table.columns) {
      if (column.kind === "string") record[name] = column.dictionary[column.codes[row]!]!;
      else {
        const value = column.values[row]!;
        if (Number.isNaN(value)) record[name] = null;
        else if (name === "date") record[name] = formatIsoTime(value);
        else record[name] = name === "express" ? value === 1 : value;
      }
    }
    return record;
  });
}

type EvaluateRecord = FeatureKernel["evaluateRecord"];

export async function bench(): Promise<BenchRow[]> {
  const random = createRandom("bench/features");
  const { table, late } = drawTrips(100_000, random);
  const { plan } = fitPlan(featureSpecOf(lateTrips), table, { target: late, seed: 1 });
  const kernel = compilePlan(plan);
  const small = drawTrips(1000, random).table;
  const records = recordsOf(small);
  const lines = records.map((record) => JSON.stringify(record));
  const decoded = lines.map((line): Record<string, unknown> => JSON.parse(line));
  const closures = createClosures(plan);
  const byHand = createByHand(plan);
  requireSame(kernel, closures.evaluateRecord, decoded);
  requireSame(kernel, byHand, decoded);

  const out = new Float64Array(kernel.outputs.length);
  const perRecord = (evaluate: EvaluateRecord) => () => {
    for (const record of decoded) evaluate(record, out);
    return decoded.length;
  };
  const perLine = (evaluate: EvaluateRecord) => () => {
    for (const line of lines) evaluate(JSON.parse(line), out);
    return lines.length;
  };
  const batch = (evaluate: (table: Table) => unknown, rows: Table, times: number) => () => {
    for (let time = 0; time < times; time++) evaluate(rows);
    return rows.rowCount * times;
  };
  const row = (claim: string, peerName: string, runs: readonly [() => number, () => number]): BenchRow => {
    const [ours, peer] = nanosecondsEach(runs);
    return { claim, ours, peer, peerName, ratio: ours / peer, unit: "ns a row" };
  };
  const { evaluateRecord, evaluateTable } = kernel;
  return [
    row("one decoded record", "closures", [perRecord(evaluateRecord), perRecord(closures.evaluateRecord)]),
    row("one decoded record", "by hand", [perRecord(evaluateRecord), perRecord(byHand)]),
    row("one record of JSON text", "closures", [perLine(evaluateRecord), perLine(closures.evaluateRecord)]),
    row("one record of JSON text", "JSON.parse alone", [perLine(evaluateRecord), perLine(() => undefined)]),
    row("batch of 1,000", "closures", [
      batch(evaluateTable, small, 10),
      batch(closures.evaluateTable, small, 2),
    ]),
    row("batch of 100,000", "closures", [
      batch(evaluateTable, table, 1),
      batch(closures.evaluateTable, table, 1),
    ]),
  ];
}

/** The best of interleaved rounds: what others do on the machine meanwhile only makes a round slower. */
function nanosecondsEach(runs: readonly [() => number, () => number]): [number, number] {
  const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 60; round++) {
    for (const side of [0, 1] as const) {
      const start = monotonicMs();
      const rows = runs[side]();
      best[side] = Math.min(best[side], ((monotonicMs() - start) * 1e6) / rows);
    }
  }
  return best;
}

function requireSame(
  kernel: FeatureKernel,
  peer: EvaluateRecord,
  records: readonly Record<string, unknown>[],
): void {
  const ours = new Float64Array(kernel.outputs.length);
  const theirs = new Float64Array(kernel.outputs.length);
  for (const record of records) {
    kernel.evaluateRecord(record, ours);
    peer(record, theirs);
    for (const [at, output] of kernel.outputs.entries()) {
      if (Object.is(ours[at], theirs[at])) continue;
      throw new Error(`${output.name} is ${ours[at]}, the peer says ${theirs[at]}`);
    }
  }
}
