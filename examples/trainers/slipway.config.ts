import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { atLeast, byRandom, command, csv, dataset, model } from "slipway";

/** The npm package `vega-datasets` ships 10,000 collisions of aircraft with animals; only its entry can be imported. */
const packaged = join(dirname(fileURLToPath(import.meta.resolve("vega-datasets"))), "..", "data");

export const strikes = dataset({
  source: csv(join(packaged, "birdstrikes.csv")),
  columns: {
    "Aircraft Make Model": "category",
    "Origin State": "category",
    "Phase of flight": "category",
    "Wildlife Size": "category",
    "Wildlife Species": "category",
    "Time of day": "category",
    "Speed IAS in knots": { type: "float", required: false },
    "Effect Amount of damage": { type: "category", known: "after" },
  },
});

const split = byRandom({ evaluateShare: 0.2, validateShare: 0.2 });

/** Was the aircraft damaged? By LightGBM, which is given categories as codes. */
export const damageTrees = model({
  from: strikes,
  target: (row) => row["Effect Amount of damage"].is("None").not(),
  features: (c) => ({
    aircraft: c["Aircraft Make Model"],
    state: c["Origin State"],
    phase: c["Phase of flight"],
    size: c["Wildlife Size"],
    species: c["Wildlife Species"],
    time: c["Time of day"],
    knots: c["Speed IAS in knots"],
  }),
  split,
  trainer: command({
    run: ["python3", "train_lightgbm.py"],
    code: ["train_lightgbm.py", "channel.py"],
    format: "lightgbm",
    hyperparameters: { leaves: 15, rate: 0.05, rounds: 300, patience: 30 },
  }),
  gates: [atLeast("auc", 0.7)],
});

/** The same by a pipeline of scikit-learn, which becomes an ONNX graph. */
export const damageLogistic = model({
  from: strikes,
  target: (row) => row["Effect Amount of damage"].is("None").not(),
  features: (c) => ({
    aircraft: c["Aircraft Make Model"].targetEncoded({ smoothing: 50 }),
    phase: c["Phase of flight"].oneHot(),
    size: c["Wildlife Size"].oneHot(),
    species: c["Wildlife Species"].oneHot({ maxCategories: 20 }),
    knots: c["Speed IAS in knots"],
  }),
  split,
  trainer: command({
    run: ["python3", "train_sklearn.py"],
    code: ["train_sklearn.py", "channel.py"],
    format: "onnx",
    hyperparameters: { strength: 0.3 },
  }),
  gates: [atLeast("auc", 0.7)],
});

type Place = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
const places = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** A creative of 8 × 8 grey pixels, by row and column: `p00` to `p77`. */
const pixels = places.flatMap((y) => places.map((x): `p${Place}${Place}` => `p${y}${x}`));

export const impressions = dataset({
  source: csv("impressions.csv"),
  columns: {
    device: "category",
    hour: "int",
    ...(Object.fromEntries(pixels.map((name) => [name, "int"])) as Record<`p${Place}${Place}`, "int">),
    clicked: { type: "int", known: "after" },
  },
});

/** Will the creative be clicked? By a small convolutional network of Keras, on the image and the columns beside it. */
export const clicked = model({
  from: impressions,
  target: (row) => row.clicked.atLeast(1),
  features: (c) => ({
    device: c.device.oneHot(),
    hour: c.hour,
    ...Object.fromEntries(pixels.map((name) => [name, c[name].divide(255)])),
  }),
  split,
  trainer: command({
    run: ["python3", "train_keras.py"],
    code: ["train_keras.py", "channel.py"],
    format: "onnx",
    hyperparameters: { epochs: 12, rate: 0.005 },
    environment: { TF_CPP_MIN_LOG_LEVEL: "2", TF_ENABLE_ONEDNN_OPTS: "0" },
  }),
  gates: [atLeast("auc", 0.7)],
});
