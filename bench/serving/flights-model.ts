import { writeBundle } from "../../src/bundle/index.ts";
import { compilePlan, type FeatureSpec, fitPlan } from "../../src/features/index.ts";
import { createRandom, type Digest, type Table } from "../../src/kernel/index.ts";
import { openFileBlobs } from "../../src/storage/index.ts";
import { trainModel } from "../../src/training/index.ts";
import { gbdt } from "../../src/training/spec.ts";

const ROWS = 20_000;
const AIRPORTS = ["ATL", "DEN", "DFW", "IAH", "JFK", "LAX", "MSP", "ORD", "PHX", "SFO"];
const YEAR_2001 = Date.UTC(2001, 0, 1);
const DAY_MS = 86_400_000;

const column = (name: string) => ({ op: "column", name }) as const;

const FEATURES: FeatureSpec = {
  columns: { date: "timestamp", distance: "int", origin: "category", destination: "category" },
  features: {
    hour: { op: "hourOfDay", args: [column("date")] },
    weekday: { op: "dayOfWeek", args: [column("date")] },
    distance: column("distance"),
    logDistance: { op: "log1p", args: [column("distance")] },
    origin: column("origin"),
    destination: column("destination"),
  },
};

/** Made-up flights: later in the day and from some airports, more of them are late. */
function flights(): { table: Table; late: Float64Array } {
  const random = createRandom("bench/serving");
  const dates = new Float64Array(ROWS);
  const distances = new Float64Array(ROWS);
  const origins = new Int32Array(ROWS);
  const destinations = new Int32Array(ROWS);
  const late = new Float64Array(ROWS);
  for (let row = 0; row < ROWS; row++) {
    const hour = 6 + random.integer(17);
    dates[row] = YEAR_2001 + random.integer(120) * DAY_MS + hour * 3_600_000 + random.integer(60) * 60_000;
    distances[row] = 100 + random.integer(2_500);
    origins[row] = random.integer(AIRPORTS.length);
    destinations[row] = random.integer(AIRPORTS.length);
    const risk = 0.05 + 0.02 * (hour - 6) + 0.02 * origins[row]! + distances[row]! / 20_000;
    late[row] = random.float() < risk ? 1 : 0;
  }
  return {
    table: {
      rowCount: ROWS,
      columns: new Map([
        ["date", { kind: "number", values: dates }],
        ["distance", { kind: "number", values: distances }],
        ["origin", { kind: "string", codes: origins, dictionary: AIRPORTS }],
        ["destination", { kind: "string", codes: destinations, dictionary: AIRPORTS }],
      ]),
    },
    late,
  };
}

/** Trains 100 trees of 31 leaves and stores the bundle under `directory`. */
export async function writeFlightsBundle(directory: string): Promise<Digest> {
  const { table, late } = flights();
  const { plan } = fitPlan(FEATURES, table, { target: late, seed: 1 });
  const kernel = compilePlan(plan);
  const model = await trainModel(
    gbdt({ trees: 100, leaves: 31 }),
    { task: "binary", train: { matrix: kernel.evaluateTable(table), target: late } },
    { seed: 1, threads: 1 },
  );
  const { digest } = await writeBundle(openFileBlobs(`${directory}/blobs`), {
    engine: model.engine,
    model: model.bytes,
    plan,
    signature: { inputs: kernel.inputs, output: { name: "late", task: "binary" } },
    profile: {},
  });
  return digest;
}
