import { describe, expect, it } from "vitest";
import { compilePlan, fitPlan } from "../features/index.ts";
import { type Expression, type Op, signatures } from "../features/spec.ts";
import { canonicalJson, SlipwayError } from "../kernel/index.ts";
import {
  atLeast,
  atMost,
  byHash,
  byRandom,
  byTime,
  classes,
  csv,
  dataset,
  featureSpecOf,
  gbdt,
  type ModelSpec,
  model,
  subjectOf,
  when,
} from "./index.ts";

const trips = dataset({
  source: csv("trips.csv"),
  columns: {
    date: "timestamp",
    arrival: "timestamp",
    delay: { type: "int", known: "after" },
    distance: "int",
    price: { type: "float", required: false },
    origin: "category",
    destination: "category",
    weekend: "bool",
    title: "text",
    "weird name": "float",
    constructor: "float",
  },
  time: "date",
});

const everything = model({
  from: trips,
  target: (row) => row.delay.above(15),
  features: (c) => {
    const one = c.distance;
    return {
      sum: one.add(c.price).subtract(1).multiply(2).divide(c.constructor),
      ends: one.minimum(5).maximum(c["weird name"]).negate().absolute(),
      roots: one.log().add(one.log1p()).add(one.squareRoot()),
      held: one.clip({ low: 0 }).round(1).round(),
      compared: one.above(1).and(one.atLeast(1)).or(one.below(c.price)).and(one.atMost(1).not()),
      between: one.between(1, c.price).or(one.equals(3)),
      when: when(c.weekend, null, one),
      named: c.origin
        .is("ATL")
        .or(c.origin.isOneOf(["ORD", "JFK"]))
        .or(c.date.dayOfWeek().is("monday")),
      missing: c.title.isMissing().or(c.date.isMissing()).fillMissing(false),
      indicator: c.origin.missingIndicator(),
      parts: c.date.year().add(c.date.month()).add(c.date.dayOfMonth()).add(c.date.dayOfYear()),
      clock: c.date.hourOfDay().add(c.date.minuteOfHour()),
      weekday: c.date.dayOfWeek(),
      since: c.date.hoursSince("2001-01-01").add(c.arrival.daysSince(c.date)),
      filled: c.price.fillMissing("median").add(c.price.fillMissing(0)),
      bucket: one.bucketized(10).oneHot(),
      standard: one.standardized(),
      limited: c.origin.fillMissing({ constant: "none" }).limited({ minCount: 5 }),
      order: c.origin.ordinal({ order: ["a", "b"] }).add(c.origin.ordinal()),
      share: c.origin.frequencyEncoded(),
      encoded: c.origin.targetEncoded({ smoothing: 5 }),
      route: c.origin.cross(c.destination, c.date.dayOfWeek()),
      hashed: c.origin.hashed(64),
      length: c.title.length().add(c.title.wordCount()),
      words: c.title.wordsHashed(16),
    };
  },
  split: byTime({ evaluateFrom: "2001-05-01" }),
});

/** Calls as plain JavaScript makes them, with no types to stop them. */
const plainModel = model as (options: unknown) => ModelSpec;
const plainDataset = dataset as (options: unknown) => unknown;
const plainWhen = when as (...given: readonly unknown[]) => unknown;
type Word =
  | "above"
  | "add"
  | "bucketized"
  | "date"
  | "daysSince"
  | "delay"
  | "distance"
  | "distnce"
  | "fillMissing"
  | "hourOfDay"
  | "log1p"
  | "oneHot"
  | "origin"
  | "standardized"
  | "title"
  | "below"
  | "dayOfWeek"
  | "price"
  | "weekend"
  | "weird name"
  | "x"
  | "y";
type Untyped = ((...given: readonly unknown[]) => Untyped) & { readonly [Name in Word]: Untyped };

const target = (row: Untyped): unknown => row.delay.above(15);
const features = (c: Untyped): unknown => ({ miles: c.distance });
const withFeature = (feature: (c: Untyped) => unknown) => () =>
  plainModel({ from: trips, target, features: (c: Untyped) => ({ f: feature(c) }) });

function refusal(act: () => unknown): SlipwayError {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("it was accepted");
}

describe("the language", () => {
  it("reaches every operation of the table", () => {
    const used = new Set<Op>();
    const visit = (expression: Expression): void => {
      used.add(expression.op);
      if ("args" in expression) for (const argument of expression.args) visit(argument);
    };
    for (const feature of Object.values(everything.features)) visit(feature);
    // Windows are made by `past` and custom functions by `custom`, which have tests of their own.
    expect([...used, "custom", "window"].sort()).toEqual((Object.keys(signatures) as Op[]).sort());
  });

  it("has a method, or a function, of the name of every operation", () => {
    const written = Object.entries(signatures).filter(
      ([op]) => !["column", "constant", "constantTime", "window"].includes(op),
    );
    for (const [op, signature] of written) expect(signature.written).toContain(`${op}(`);
  });

  it("makes plain data that a feature plan is fitted from", () => {
    const spec = featureSpecOf(everything);
    expect(JSON.parse(canonicalJson(spec))).toEqual(spec);
    expect(Object.keys(spec.columns)).not.toContain("delay");
    expect(spec.optional).toEqual(["price"]);
    const columns = new Map(
      Object.entries(spec.columns).map(([name, type]) => [
        name,
        type === "category" || type === "text"
          ? { kind: "string" as const, codes: new Int32Array(3), dictionary: ["ATL"] }
          : { kind: "number" as const, values: Float64Array.of(1, 2, 3) },
      ]),
    );
    const { plan } = fitPlan(
      spec,
      { rowCount: 3, columns },
      { target: Float64Array.of(0, 1, 1), seed: everything.seed },
    );
    expect(compilePlan(plan).inputs.find(({ name }) => name === "price")?.required).toBe(false);
  });

  it("takes columns by any name", () => {
    const feature = (name: string) => ({ op: "column", name });
    const { features: made } = withFeature((c) => c["weird name"])();
    expect(made).toEqual({ f: feature("weird name") });
    expect(withFeature((c) => c.constructor)().features).toEqual({ f: feature("constructor") });
  });
});

describe("model()", () => {
  it("fills in what is left out", () => {
    const spec = model({
      from: trips,
      target: (row) => row.delay,
      features: (c) => ({ x: c.distance }),
      seed: 9,
    });
    expect(spec).toEqual({
      kind: "model",
      from: trips,
      target: { expression: { op: "column", name: "delay" }, task: "regression" },
      features: { x: { op: "column", name: "distance" } },
      split: byRandom({ evaluateShare: 0.2, validateShare: 0.1, seed: 9 }),
      trainer: gbdt(),
      gates: [],
      slices: [],
      seed: 9,
    });
    expect(everything.seed).toBe(1);
    expect(Object.isFrozen(everything.features)).toBe(true);
  });

  it.each<[string, (c: Untyped) => unknown, string, RegExp]>([
    ["an unknown column", (c) => c.distnce, "PROJECT_UNKNOWN_COLUMN", /"distnce"/],
    ["what every object has", (c) => c.toString, "PROJECT_UNKNOWN_COLUMN", /"toString"/],
    ["a column known later", (c) => c.delay, "PROJECT_LEAK", /known only after/],
    [
      "a method of numbers on a category",
      (c) => c.origin.log1p(),
      "PROJECT_WRONG_KIND",
      /log1p\(\) is for a number/,
    ],
    [
      "a method of categories on a number",
      (c) => c.distance.oneHot(),
      "PROJECT_WRONG_KIND",
      /not for a number/,
    ],
    [
      "a method of times on a text",
      (c) => c.title.hourOfDay(),
      "PROJECT_WRONG_KIND",
      /hourOfDay\(\) is for a time/,
    ],
    [
      "an argument of another kind",
      (c) => c.distance.add(c.origin),
      "FEATURES_BAD_EXPRESSION",
      /argument 2 must be a number/,
    ],
    [
      "a text for a number",
      (c) => c.distance.add("1"),
      "PROJECT_WRONG_KIND",
      /a string cannot be an argument/,
    ],
    ["no argument", (c) => c.distance.add(), "PROJECT_WRONG_KIND", /an argument is missing/],
    ["an unknown option", (c) => c.origin.oneHot({ max: 5 }), "FEATURES_BAD_EXPRESSION", /no option "max"/],
    ["an option out of range", (c) => c.distance.bucketized(1), "FEATURES_BAD_EXPRESSION", /from 2 to 1024/],
    [
      "an option that is a number",
      (c) => c.origin.oneHot(5),
      "PROJECT_WRONG_KIND",
      /options must be an object/,
    ],
    ["a fill of another kind", (c) => c.distance.fillMissing({}), "FEATURES_BAD_EXPRESSION", /with must be/],
    ["a time that is none", (c) => c.date.daysSince("soon"), "FEATURES_BAD_EXPRESSION", /ISO 8601/],
    ["a when without a flag", (c) => plainWhen(c.distance, 1, 0), "PROJECT_WRONG_KIND", /must be a flag/],
    ["a time", (c) => c.date, "PROJECT_BAD_MODEL", /feature "f" is a time/],
    ["a text", (c) => c.title, "PROJECT_BAD_MODEL", /feature "f" is a text/],
    ["a number", () => 5, "PROJECT_BAD_MODEL", /not made of columns/],
  ])("refuses a feature of %s", (_, feature, code, message) => {
    const error = refusal(withFeature(feature));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("suggests the name that was meant", () => {
    expect(refusal(withFeature((c) => c.distnce)).hint).toBe('did you mean "distance"?');
    expect(refusal(() => plainModel({ from: trips, target, feature: features })).hint).toBe(
      'did you mean "features"?',
    );
  });

  it("refuses features that read what the target is made of", () => {
    const build = () =>
      model({ from: trips, target: (r) => r.distance.above(5), features: (c) => ({ x: c.distance.log() }) });
    expect(refusal(build).code).toBe("PROJECT_LEAK");
    expect(refusal(build).message).toMatch(/feature "x" reads column "distance"/);
    let row: Untyped;
    const smuggled = () =>
      plainModel({
        from: trips,
        target: (r: Untyped) => {
          row = r;
          return r.distance;
        },
        features: () => ({ x: row.delay }),
      });
    expect(refusal(smuggled).code).toBe("PROJECT_LEAK");
  });

  it.each<[string, object, string]>([
    ["no dataset", { from: { kind: "dataset" } }, "PROJECT_BAD_MODEL"],
    ["a target that is no function", { target: "delay" }, "PROJECT_BAD_MODEL"],
    ["a target that is a time", { target: (row: Untyped) => row.date }, "PROJECT_BAD_MODEL"],
    ["classes without names", { target: (row: Untyped) => row.date.dayOfWeek() }, "PROJECT_BAD_MODEL"],
    [
      "classes of a category",
      { target: (row: Untyped) => classes(row.origin as never) },
      "PROJECT_BAD_MODEL",
    ],
    ["one class", { target: () => classes({}, "on time") }, "PROJECT_BAD_MODEL"],
    [
      "a class that is named twice",
      { target: (row: Untyped) => classes({ late: row.weekend } as never, "late") },
      "PROJECT_BAD_MODEL",
    ],
    [
      "classes that are learned",
      { target: (row: Untyped) => classes(row.delay.standardized() as never) },
      "PROJECT_BAD_MODEL",
    ],
    ["an objective for yes and no", { trainer: gbdt({ objective: "poisson" }) }, "PROJECT_BAD_MODEL"],
    [
      "class weights of a number",
      { target: (row: Untyped) => row.delay, trainer: gbdt({ classWeights: "balanced" }) },
      "PROJECT_BAD_MODEL",
    ],
    [
      "an unknown monotone feature",
      { trainer: gbdt({ monotone: { mile: "increasing" } }) },
      "PROJECT_BAD_MODEL",
    ],
    [
      "a gate on the metric of another objective",
      { target: (row: Untyped) => row.delay, gates: [atMost("poissonDeviance", 1)] },
      "PROJECT_BAD_MODEL",
    ],
    ["a target that is learned", { target: (row: Untyped) => row.delay.standardized() }, "PROJECT_BAD_MODEL"],
    ["a weight that is a flag", { weight: (row: Untyped) => row.weekend }, "PROJECT_BAD_MODEL"],
    ["no features", { features: () => ({}) }, "PROJECT_BAD_MODEL"],
    ["features that are one value", { features: (c: Untyped) => c.distance }, "PROJECT_BAD_MODEL"],
    ["a feature with a bad name", { features: (c: Untyped) => ({ "a=b": c.distance }) }, "FEATURES_BAD_NAME"],
    ["an unknown slice", { slices: ["orgin"] }, "PROJECT_UNKNOWN_COLUMN"],
    ["slices that are no list", { slices: "origin" }, "PROJECT_BAD_MODEL"],
    ["an unknown key", { split: byHash({ key: "customer" }) }, "PROJECT_UNKNOWN_COLUMN"],
    [
      "a split by what is no time",
      { split: byTime({ column: "distance", evaluateFrom: "2001-05-01" }) },
      "PROJECT_BAD_MODEL",
    ],
    ["a split that is none", { split: "random" }, "PROJECT_BAD_MODEL"],
    ["a gate of another task", { gates: [atLeast("r2", 0.5)] }, "PROJECT_BAD_MODEL"],
    [
      "a gate per an unknown column",
      { gates: [atLeast("auc", 0.5, { per: "orgin" })] },
      "PROJECT_UNKNOWN_COLUMN",
    ],
    ["a gate that is none", { gates: ["auc > 0.5"] }, "PROJECT_BAD_MODEL"],
    ["a trainer that is none", { trainer: { kind: "magic" } }, "TRAINING_BAD_OPTION"],
    ["a seed that is half", { seed: 0.5 }, "PROJECT_BAD_MODEL"],
  ])("refuses %s", (_, change, code) => {
    expect(refusal(() => plainModel({ from: trips, target, features, ...change })).code).toBe(code);
  });

  it("makes a model of classes from a category, a number or conditions", () => {
    const targetOf = (target: (row: Untyped) => unknown) =>
      plainModel({ from: trips, target, features: (c: Untyped) => ({ price: c.price }) }).target;
    expect(targetOf((row) => row.origin)).toEqual({
      expression: { op: "column", name: "origin" },
      task: "multiclass",
    });
    expect(targetOf((row) => classes(row.delay as never))).toEqual({
      expression: { op: "column", name: "delay" },
      task: "multiclass",
    });
    const named = targetOf((row) =>
      classes({ late: row.delay.above(15), early: row.delay.below(-5) } as never, "on time"),
    );
    expect(named.classes).toEqual(["late", "early", "on time"]);
    const plan = fitPlan(
      { columns: { delay: "int" }, features: { place: named.expression } },
      {
        rowCount: 4,
        columns: new Map([["delay", { kind: "number", values: Float64Array.of(20, 0, -9, 16) }]]),
      },
      { seed: 1 },
    ).plan;
    const table = {
      rowCount: 4,
      columns: new Map([["delay", { kind: "number", values: Float64Array.of(20, 0, -9, 16) }]] as const),
    };
    expect([...compilePlan(plan).evaluateTable(table).values[0]!]).toEqual([0, 2, 1, 0]);
  });

  it("has the metrics of what its trainer aims at", () => {
    const spec = plainModel({
      from: trips,
      target: (row: Untyped) => row.delay,
      features,
      trainer: gbdt({ objective: "quantile", alpha: 0.9 }),
      gates: [atLeast("coverage", 0.85), atMost("pinball", 10), atMost("mae", 50)],
    });
    expect(subjectOf(spec)).toEqual({ task: "regression", aim: { kind: "quantile", share: 0.9 } });
  });

  it("refuses a split by time without a time", () => {
    const timeless = dataset({ source: csv("x.csv"), columns: { x: "float", y: "bool" } });
    const options = {
      from: timeless,
      target: (row: Untyped) => row.y,
      features: (c: Untyped) => ({ x: c.x }),
    };
    const error = refusal(() => plainModel({ ...options, split: byTime({ evaluateFrom: "2001-05-01" }) }));
    expect(error.message).toMatch(/has no time/);
  });
});

describe("dataset()", () => {
  const source = csv("x.csv");
  it.each<[string, unknown, string]>([
    ["nothing", undefined, "PROJECT_BAD_DATASET"],
    ["an unknown option", { source, columns: { x: "int" }, tiem: "x" }, "PROJECT_BAD_DATASET"],
    ["no source", { columns: { x: "int" } }, "PROJECT_BAD_DATASET"],
    ["a source without files", { source: csv([]), columns: { x: "int" } }, "PROJECT_BAD_DATASET"],
    ["no columns", { source }, "PROJECT_BAD_DATASET"],
    ["empty columns", { source, columns: {} }, "PROJECT_BAD_DATASET"],
    ["an unknown type", { source, columns: { x: "toString" } }, "PROJECT_BAD_DATASET"],
    ["an unknown policy", { source, columns: { x: "int" }, onBadRow: "skip" }, "PROJECT_BAD_DATASET"],
    [
      "a share beyond 1",
      { source, columns: { x: "int" }, onBadRow: "quarantine", maxBadRowShare: 5 },
      "PROJECT_BAD_DATASET",
    ],
    ["a share for nothing", { source, columns: { x: "int" }, maxBadRowShare: 0.1 }, "PROJECT_BAD_DATASET"],
    ["no type", { source, columns: { x: { known: "after" } } }, "PROJECT_BAD_DATASET"],
    ["an unknown moment", { source, columns: { x: { type: "int", known: "later" } } }, "PROJECT_BAD_DATASET"],
    ["a column without a name", { source, columns: { "": "int" } }, "PROJECT_BAD_DATASET"],
    ["an unknown time", { source, columns: { x: "int" }, time: "t" }, "PROJECT_UNKNOWN_COLUMN"],
    ["a time that is none", { source, columns: { x: "int" }, time: "x" }, "PROJECT_BAD_DATASET"],
  ])("refuses %s", (_, options, code) => {
    expect(refusal(() => plainDataset(options)).code).toBe(code);
  });

  it("is plain data", () => {
    expect(trips.columns.price).toEqual({ type: "float", known: "before", required: false });
    expect(trips.columns.origin).toEqual({ type: "category", known: "before" });
    expect(JSON.parse(canonicalJson(trips))).toEqual(trips);
  });

  it("takes a column called __proto__", () => {
    const odd = dataset({ source, columns: { ["__proto__"]: "float", y: "bool" } });
    expect(Object.keys(odd.columns)).toEqual(["__proto__", "y"]);
    const spec = plainModel({
      from: odd,
      target: (r: Untyped) => r.y,
      features: (c: Untyped) => ({ x: Reflect.get(c, "__proto__") }),
    });
    expect(Object.keys(featureSpecOf(spec).columns)).toEqual(["__proto__"]);
  });
});
