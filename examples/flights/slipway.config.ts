import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { atLeast, atMost, byTime, dataset, gbdt, model, notWorseThanChampion, parquet } from "slipway";

/** The npm package `vega-datasets` ships three million US flights of 2001; only its entry can be imported. */
const packaged = join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "..", "data");

export const flights = dataset({
  source: parquet(join(packaged, "flights-3m.parquet")),
  columns: {
    date: "timestamp",
    // Minutes late; known only after landing, so no feature may use it.
    delay: { type: "int", known: "after" },
    distance: "int",
    origin: "category",
    destination: "category",
  },
  time: "date",
});

/** Will a flight be more than 15 minutes late? */
export const late = model({
  from: flights,
  target: (row) => row.delay.above(15),
  features: (c) => ({
    hour: c.date.hourOfDay(),
    minute: c.date.minuteOfHour(),
    weekday: c.date.dayOfWeek(),
    dayOfMonth: c.date.dayOfMonth(),
    miles: c.distance.log1p(),
    origin: c.origin,
    destination: c.destination,
    originLateness: c.origin.targetEncoded({ smoothing: 50 }),
    routeLateness: c.origin.cross(c.destination).targetEncoded({ smoothing: 200 }),
  }),
  split: byTime({ evaluateFrom: "2001-05-01", until: "2001-06-01", validateShare: 0.1 }),
  trainer: gbdt({ trees: 100, leaves: 31, learningRate: 0.1, earlyStoppingRounds: 20 }),
  gates: [
    atLeast("auc", 0.6, { confidence: 0.95 }),
    atMost("logLoss", 0.45),
    notWorseThanChampion("logLoss", { margin: 0.002 }),
    atLeast("auc", 0.55, { per: "origin", minimumRows: 10_000 }),
  ],
  slices: ["origin"],
});
