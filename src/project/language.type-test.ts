import {
  atLeast,
  atMost,
  byHash,
  byRandom,
  byTime,
  type Cat,
  type CategoryColumn,
  classes,
  csv,
  custom,
  dataset,
  type Flag,
  ftrl,
  gbdt,
  model,
  type Num,
  notWorseThanChampion,
  parquet,
  type Time,
  type Vec,
  when,
} from "./index.ts";

/** What must not compile. `language.test.ts` runs the compiler on this file; nothing here is ever run. */

const flights = dataset({
  source: parquet("data/*.parquet"),
  columns: {
    date: "timestamp",
    landed: { type: "timestamp", known: "after" },
    delay: { type: "int", known: "after" },
    distance: "int",
    price: { type: "float", required: false },
    origin: "category",
    destination: "category",
    cancelled: { type: "bool", known: "after" },
    weekend: "bool",
    title: "text",
    "weird name": "float",
  },
  time: "date",
});

const timeless = dataset({ source: csv("x.csv"), columns: { x: "float", when: "timestamp", y: "bool" } });

export const late = model({
  from: flights,
  target: (row) => row.delay.above(15).and(row.cancelled.not()),
  features: (c) => {
    const hour: Num = c.date.hourOfDay();
    const weekday: Cat = c.date.dayOfWeek();
    const far: Flag = c.distance.above(c.price);
    const words: Vec = c.title.wordsHashed(64);
    return {
      hour,
      weekday,
      far,
      words,
      origin: c.origin,
      route: c.origin.cross(c.destination, c.date.dayOfWeek()).hashed(4096),
      encoded: c.origin.targetEncoded({ smoothing: 50 }),
      filled: c.origin.fillMissing({ constant: "none" }).is("none"),
      monday: c.date.dayOfWeek().isOneOf(["monday", "sunday"]),
      price: when(c.weekend, c.price, null).fillMissing("median"),
      odd: c["weird name"].log1p().standardized(),
      since: c.date.daysSince("2001-01-01"),
    };
  },
  weight: (row) => row.distance,
  split: byTime({ evaluateFrom: "2001-05-01", until: "2001-06-01", validateShare: 0.1 }),
  trainer: gbdt({ trees: 200, leaves: 31 }),
  gates: [
    atLeast("auc", 0.6),
    notWorseThanChampion("logLoss", { margin: 0.002 }),
    atMost("brier", 0.2, { per: "origin" }),
  ],
  slices: ["origin", "destination"],
  seed: 7,
});

export const amount = model({
  from: timeless,
  target: (row) => row.x.multiply(2),
  trainer: ftrl({ alpha: 0.2, l1: 1, shuffle: false, earlyStoppingEpochs: 2 }),
  features: (c) => ({ y: c.y }),
  split: byTime({ column: "when", evaluateFrom: { share: 0.2 } }),
});
export const hashed = model({
  from: flights,
  target: (r) => r.delay,
  features: (c) => ({ x: c.price }),
  split: byHash({ key: "origin" }),
});
export const random = model({
  from: flights,
  target: (r) => r.delay,
  features: (c) => ({ x: c.price }),
  split: byRandom(),
});

const target = (row: { readonly delay: Num }): Num => row.delay;
const features = (c: { readonly price: Num }): { readonly x: Num } => ({ x: c.price });

// Columns and leaks.
model({
  from: flights,
  // @ts-expect-error there is no such column
  target: (row) => row.dely.above(15),
  features: (c) => ({
    // @ts-expect-error there is no such column
    a: c.distnce,
    // @ts-expect-error known only after the prediction
    b: c.delay,
    // @ts-expect-error known only after the prediction
    c: c.landed.hourOfDay(),
    // @ts-expect-error known only after the prediction
    d: c.cancelled.not(),
  }),
});

// Methods of other kinds, and arguments.
model({
  from: flights,
  target: (row) => row.delay,
  features: (c) => ({
    // @ts-expect-error categories have no logarithm
    a: c.origin.log1p(),
    // @ts-expect-error numbers are not one-hot encoded
    b: c.distance.oneHot(),
    // @ts-expect-error texts are not categories
    c: c.title.targetEncoded(),
    // @ts-expect-error flags are not numbers
    d: c.weekend.add(1),
    // @ts-expect-error numbers are not compared with texts
    e: c.distance.above("15"),
    // @ts-expect-error categories are not crossed with numbers
    f: c.origin.cross(c.distance),
    // @ts-expect-error a cross needs another category
    g: c.origin.cross(),
    // @ts-expect-error there is no such option
    h: c.origin.oneHot({ maxCategory: 5 }),
    // @ts-expect-error an option of the wrong type
    i: c.origin.targetEncoded({ smoothing: "50" }),
    // @ts-expect-error the number of buckets is missing
    j: c.distance.bucketized(),
    // @ts-expect-error categories have no mean
    k: c.origin.fillMissing("mean"),
    // @ts-expect-error numbers are not filled with texts
    l: c.distance.fillMissing("none"),
    // @ts-expect-error there is no such day
    m: c.date.dayOfWeek().is("Monday"),
    // @ts-expect-error a clip needs a limit
    n: c.distance.clip({}),
    // @ts-expect-error the first argument is a flag
    o: when(c.distance, 1, 0),
    // @ts-expect-error vectors are not computed with
    p: c.title.wordsHashed(64).add(1),
    // @ts-expect-error buckets have no names
    q: c.distance.bucketized(5).is("1"),
    // @ts-expect-error the combination of hashes has no names
    r: c.origin.hashed(5).fillMissing({ constant: "x" }),
  }),
});

// Targets of several classes.
model({ from: flights, target: (row) => row.origin, features: (c) => ({ x: c.price }) });
model({ from: flights, target: (row) => classes(row.delay), features: (c) => ({ x: c.price }) });
model({
  from: flights,
  target: (row) => classes({ late: row.delay.above(15) }, "on time"),
  features: (c) => ({ x: c.price }),
});

// The past.
model({
  from: flights,
  target: (row) => row.delay.above(15),
  features: (c, past) => {
    const busy: Num = past.rows.count({ by: c.origin, over: "3h" });
    return {
      busy: busy.log1p().standardized(),
      all: past.rows.count({ over: "90s" }),
      since: past.rows.hoursSinceLast({
        by: [c.origin, c.date.dayOfWeek(), c.distance, c.weekend],
        over: "1.5d",
      }),
      late: past.target.mean({ by: [c.origin, c.destination], over: "24h", knownAfter: "6h" }),
      rate: past.target.rate({ over: "24h", knownAfter: "6h" }).fillMissing(0),
      delay: past.column("delay").maximum({ by: c.origin, over: "7d", knownAfter: "12h" }),
      price: past.column("price").mean({ over: "1h" }),
      lagged: past.column("price").mean({ over: "1h", knownAfter: "10m" }),
      weekends: past.column("weekend").rate({ over: "30d" }),
      far: past.value((row) => row.distance.above(1000)).rate({ over: "30d" }),
      veryLate: past
        .label((row) => row.delay.above(60).and(row.cancelled.not()))
        .rate({ over: "1d", knownAfter: "2h" }),
    };
  },
});
model({
  from: flights,
  target: (row) => row.delay,
  features: (c, past) => ({
    // @ts-expect-error when the target is known must be said
    a: past.target.mean({ over: "24h" }),
    // @ts-expect-error when a column is known that is known later must be said
    b: past.column("delay").mean({ over: "24h" }),
    // @ts-expect-error when a label is known must be said
    c: past.label((row) => row.delay).mean({ over: "24h" }),
    // @ts-expect-error known only after the prediction
    d: past.value((row) => row.delay).mean({ over: "24h" }),
    // @ts-expect-error how far back is missing
    e: past.rows.count({ by: c.origin }),
    // @ts-expect-error not a duration
    f: past.rows.count({ over: "3 hours" }),
    // @ts-expect-error not a duration
    g: past.rows.count({ over: 3 }),
    // @ts-expect-error there is no such option
    h: past.rows.count({ over: "3h", per: c.origin }),
    // @ts-expect-error rows have no values
    i: past.rows.mean({ over: "3h" }),
    // @ts-expect-error flags have no maximum
    j: past.column("weekend").maximum({ over: "3h" }),
    // @ts-expect-error numbers have no rate
    k: past.column("price").rate({ over: "3h" }),
    // @ts-expect-error categories are not collected
    l: past.column("origin").count({ over: "3h" }),
    // @ts-expect-error there is no such column
    m: past.column("dely").mean({ over: "3h", knownAfter: "1h" }),
    // @ts-expect-error known only after the prediction
    n: past.rows.count({ by: c.cancelled, over: "3h" }),
    // @ts-expect-error a text is not a key
    o: past.rows.count({ by: c.title, over: "3h" }),
    // @ts-expect-error what is collected is not a feature
    p: past.rows,
  }),
});
model({
  from: timeless,
  target: (row) => row.y,
  // @ts-expect-error the dataset has no time, so it has no past
  features: (c, past) => ({ x: c.x, n: past.rows.count({ over: "3h" }) }),
});

// Items.
model({ from: flights, target, features, items: { key: "origin", columns: ["destination"] } });
// @ts-expect-error there is no such column
model({ from: flights, target, features, items: { key: "gate" } });
// @ts-expect-error known only after the prediction
model({ from: flights, target, features, items: { key: "origin", columns: ["delay"] } });
// @ts-expect-error a key is missing
model({ from: flights, target, features, items: { columns: ["origin"] } });

// Features, targets and weights that are none.
// @ts-expect-error a time is not a feature
model({ from: flights, target: (row) => row.delay, features: (c) => ({ when: c.date }) });
// @ts-expect-error a text is not a feature
model({ from: flights, target: (row) => row.delay, features: (c) => ({ title: c.title }) });
// @ts-expect-error a plain number is not a feature
model({ from: flights, target: (row) => row.delay, features: () => ({ one: 1 }) });
// @ts-expect-error the weekdays of a time have no place in an answer
model({ from: flights, target: (row) => row.date.dayOfWeek(), features: (c) => ({ x: c.price }) });
// @ts-expect-error a time is not a target
model({ from: flights, target: (row) => row.date, features: (c) => ({ x: c.price }) });
// @ts-expect-error classes are named by conditions
model({ from: flights, target: (row) => classes({ late: row.price }), features: (c) => ({ x: c.price }) });
// @ts-expect-error a flag is not a weight
model({ from: flights, target, features, weight: (row) => row.weekend });
// @ts-expect-error there are no features
model({ from: flights, target: (row) => row.delay });
// @ts-expect-error there is no such option
model({ from: flights, target, features, feature: features });

// Slices, splits, gates, trainers.
// @ts-expect-error no such column to slice by
model({ from: flights, target, features, slices: ["orgin"] });
// @ts-expect-error no such key
model({ from: flights, target, features, split: byHash({ key: "customer" }) });
// @ts-expect-error not a time
model({ from: flights, target, features, split: byTime({ column: "distance", evaluateFrom: "2001-05-01" }) });
model({
  from: timeless,
  target: (row) => row.y,
  features: (c) => ({ x: c.x }),
  // @ts-expect-error the dataset has no time of its own
  split: byTime({ evaluateFrom: "2001-05-01" }),
});
// @ts-expect-error there is no such column to gate by
model({ from: flights, target, features, gates: [atLeast("auc", 0.5, { per: "orgin" })] });
// @ts-expect-error there is no such metric
atLeast("auk", 0.5);
// @ts-expect-error there is no such option
notWorseThanChampion("auc", { margn: 0.1 });
// @ts-expect-error there is no such hyperparameter
gbdt({ leafs: 31 });
// @ts-expect-error there is no such hyperparameter
ftrl({ trees: 10 });
// @ts-expect-error there is no such option
byTime({ from: "2001-05-01" });

const noTimes = dataset({ source: csv("x.csv"), columns: { x: "float", y: "bool" } });
model({
  from: noTimes,
  target: (row) => row.y,
  features: (c) => ({ x: c.x }),
  // @ts-expect-error the dataset has no times at all
  split: byTime({ evaluateFrom: "2001-05-01" }),
});

// Datasets.
// @ts-expect-error there is no such type
dataset({ source: csv("x.csv"), columns: { x: "integer" } });
// @ts-expect-error not a timestamp
dataset({ source: csv("x.csv"), columns: { x: "int", t: "timestamp" }, time: "x" });
// @ts-expect-error there is no such column
dataset({ source: csv("x.csv"), columns: { x: "int" }, time: "t" });
// @ts-expect-error known is "before" or "after"
dataset({ source: csv("x.csv"), columns: { x: { type: "int", known: "later" } } });
// @ts-expect-error there is no such option of a source
dataset({ source: csv("x.csv", { delimeter: ";" }), columns: { x: "int" } });
// @ts-expect-error columns must be declared
dataset({ source: csv("x.csv") });

// Checks.
export const checked = dataset({
  source: csv("x.csv"),
  columns: {
    id: "int",
    city: "category",
    price: { type: "float", known: "after" },
    at: "timestamp",
    note: "text",
    ok: "bool",
  },
  time: "at",
  checks: {
    rows: { min: 10, severity: "warning" },
    rowsOfPrevious: { min: 0.5, max: 2 },
    freshness: { maxAgeHours: 24 },
    key: { columns: ["id"] },
    unexpectedColumns: { allowed: ["comment"] },
    columns: {
      id: { unique: true, domain: { values: [1, 2] }, range: { min: 1 } },
      city: { domain: { values: ["Rome"], maxShareOutside: 0.01 }, drift: { lInfinity: 0.1 } },
      price: { range: { min: 0, max: 10 }, missing: { maxShare: 0.1 }, skew: { psi: 0.2, exact: true } },
      at: { range: { min: "2020-01-01" } },
      note: { pattern: { matches: /^\p{L}/u } },
      ok: { missing: { maxShare: 0 } },
    },
  },
});
const checkable = { source: csv("x.csv"), columns: { x: "float", c: "category", t: "timestamp" } } as const;
// @ts-expect-error there is no such column
dataset({ ...checkable, checks: { columns: { y: { missing: { maxShare: 0 } } } } });
// @ts-expect-error there is no such column in the key
dataset({ ...checkable, checks: { key: { columns: ["y"] } } });
// @ts-expect-error numbers have no pattern
dataset({ ...checkable, checks: { columns: { x: { pattern: { matches: /a/ } } } } });
// @ts-expect-error categories have no range
dataset({ ...checkable, checks: { columns: { c: { range: { min: 0 } } } } });
// @ts-expect-error categories are not compared by PSI
dataset({ ...checkable, checks: { columns: { c: { drift: { psi: 0.1 } } } } });
// @ts-expect-error the values of a category are texts
dataset({ ...checkable, checks: { columns: { c: { domain: { values: [1] } } } } });
// @ts-expect-error limits of times are texts
dataset({ ...checkable, checks: { columns: { t: { range: { min: 0 } } } } });
// @ts-expect-error there is no such severity
dataset({ ...checkable, checks: { rows: { min: 1, severity: "fatal" } } });
// @ts-expect-error the dataset has no time
dataset({ ...checkable, checks: { freshness: { maxAgeHours: 1 } } });
// @ts-expect-error there is no such check
dataset({ ...checkable, checks: { row: { min: 1 } } });

export const time = (c: { readonly date: Time }): Num => c.date.year();

// Functions of the project.
const initials = (title: string | null, miles: number | null): string | null =>
  title === null ? null : `${title.slice(0, 1)}${miles ?? ""}`;
export const customised = model({
  from: flights,
  target: (row) => row.delay,
  features: (c) => {
    const short: CategoryColumn = custom(
      "short",
      { reads: [c.title, c.distance], returns: "category" },
      initials,
    );
    const age: Num = custom("age", { reads: [c.date, c.price], returns: "number" }, (date, price) =>
      date === null || price === null ? null : date / price,
    );
    const odd: Flag = custom("odd", { reads: [c.weekend, c.origin], returns: "flag" }, (weekend, origin) =>
      weekend === true ? origin?.startsWith("A") === true : null,
    );
    return { short: short.targetEncoded(), age: age.log1p(), odd, is: short.is("A7") };
  },
});
model({
  from: flights,
  target: (row) => row.delay,
  features: (c) => ({
    // @ts-expect-error a price may be missing
    a: custom("a", { reads: [c.price], returns: "number" }, (price) => price * 2),
    // @ts-expect-error a time is a number
    b: custom("b", { reads: [c.date], returns: "number" }, (date: Date | null) => date?.getTime() ?? null),
    // @ts-expect-error the arguments come in the order of the columns
    d: custom("d", { reads: [c.distance, c.title], returns: "category" }, initials),
    // @ts-expect-error it gives a text
    e: custom("e", { reads: [c.title, c.distance], returns: "number" }, initials),
    // @ts-expect-error there is no such kind
    f: custom("f", { reads: [c.title], returns: "text" }, (title) => title),
    // @ts-expect-error without columns there is nothing to read
    g: custom("g", { reads: [], returns: "number" }, () => 1),
    // @ts-expect-error what is known only later is not there
    h: custom("h", { reads: [c.delay], returns: "number" }, () => 1),
    // @ts-expect-error a promise is no number
    i: custom("i", { reads: [c.price], returns: "number" }, async (price) => price),
    // @ts-expect-error a category that is no column has no text
    j: custom("j", { reads: [c.origin.hashed(16)], returns: "number" }, () => 1),
    // @ts-expect-error it gives a number
    k: custom("k", { reads: [c.price], returns: "number" }, (price) => price).oneHot(),
  }),
});
