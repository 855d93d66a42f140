import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleDigest, manifestOf, writeBundle } from "../bundle/index.ts";
import { createRandom, digestOf, type Table } from "../kernel/index.ts";
import {
  atLeast,
  byTime,
  type CategoryColumn,
  classes,
  csv,
  dataset,
  gbdt,
  type ModelSpec,
  model,
  type Num,
  notWorseThanChampion,
} from "../project/index.ts";
import { loadModel } from "../serving/loaded-model.ts";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import { type Build, buildBundle } from "./build.ts";
import { judgeCandidate, openIncumbent } from "./judge.ts";
import { recipeOf } from "./recipe.ts";

const rows = dataset({
  source: csv("rows.csv"),
  columns: {
    at: "timestamp",
    size: "float",
    colour: "category",
    kind: { type: "category", known: "after" },
    stars: { type: "int", known: "after" },
  },
  time: "at",
});

const ROWS = 900;
const KINDS = ["pear", "apple", "plum"];

/** Rows in the order of time; `late` gives the last rows a kind that none before has. */
function tableOf(late?: string): Table {
  const random = createRandom(4);
  const size = Float64Array.from({ length: ROWS }, () => random.float() * 3);
  const colour = Int32Array.from(size, () => random.integer(2));
  const kind = Int32Array.from(size, (value, row) => {
    if (late !== undefined && row >= ROWS - 5) return 3;
    return random.integer(8) === 0 ? random.integer(3) : Math.min(2, Math.floor(value));
  });
  return {
    rowCount: ROWS,
    columns: new Map([
      ["at", { kind: "number", values: size.map((_, row) => row * 3_600_000) }],
      ["size", { kind: "number", values: size }],
      ["colour", { kind: "string", codes: colour, dictionary: ["red", "green"] }],
      ["kind", { kind: "string", codes: kind, dictionary: [...KINDS, late ?? "never"] }],
      ["stars", { kind: "number", values: Float64Array.from(kind, (code) => code * 10 - 5) }],
    ] as const),
  };
}

const base = {
  from: rows,
  features: (c: { readonly size: Num; readonly colour: CategoryColumn }) => ({
    size: c.size,
    colour: c.colour,
  }),
  split: byTime({ evaluateFrom: { share: 0.3 } }),
  trainer: gbdt({ trees: 10, leaves: 5 }),
} as const;
const ofKind = model({
  ...base,
  target: (row) => row.kind,
  gates: [atLeast("accuracy", 0.7), notWorseThanChampion("logLoss", { margin: 0.01 })],
  slices: ["colour"],
});
const ofStars = model({ ...base, target: (row) => classes(row.stars) });
const ofConditions = model({
  ...base,
  target: (row) => classes({ pear: row.kind.is("pear"), apple: row.kind.is("apple") }, "another"),
});

let folder: string;
let blobs: BlobStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-classes-"));
  blobs = openFileBlobs(join(folder, "blobs"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function build(spec: ModelSpec, table: Table): Promise<Build> {
  return await buildBundle(recipeOf(spec, digestOf("snapshot")), table, { threads: 1 });
}

describe("a model of several classes", () => {
  it("has its classes in one order, whatever the order of the rows' dictionary", async () => {
    const { parts, target } = await build(ofKind, tableOf());
    expect(parts.signature.output).toEqual({
      name: "probabilities",
      task: "multiclass",
      width: 3,
      classes: ["apple", "pear", "plum"],
    });
    expect(target.classes).toEqual(["apple", "pear", "plum"]);
    const reordered = tableOf();
    const kind = reordered.columns.get("kind")!;
    if (kind.kind !== "string") throw new Error("kind is a column of strings");
    const dictionary = ["plum", "never", "apple", "pear"];
    const codes = kind.codes.map((code) => dictionary.indexOf(kind.dictionary[code]!));
    const again = await build(ofKind, {
      ...reordered,
      columns: new Map([...reordered.columns, ["kind", { kind: "string", codes, dictionary }]]),
    });
    expect(bundleDigest(manifestOf(again.parts))).toBe(bundleDigest(manifestOf(parts)));
  });

  it("takes numbers by size and conditions by their names", async () => {
    const stars = await build(ofStars, tableOf());
    expect(stars.target.classes).toEqual(["-5", "5", "15"]);
    const named = await build(ofConditions, tableOf());
    expect(named.target.classes).toEqual(["pear", "apple", "another"]);
  });

  it("is judged with every class, slices and gates, and serves what was judged", async () => {
    const table = tableOf();
    const made = await build(ofKind, table);
    const { report, gates } = await judgeCandidate({
      spec: ofKind,
      build: made,
      table,
      incumbent: undefined,
    });
    expect(report.classes!.map(({ name }) => name)).toEqual(["apple", "pear", "plum"]);
    expect(report.unseenClasses).toBeUndefined();
    expect(report.slices.map(({ value }) => value).sort()).toEqual(["green", "red"]);
    expect(gates.map(({ outcome }) => outcome)).toEqual(["passed", "not-evaluated"]);
    const { digest } = await writeBundle(blobs, made.parts);
    const loaded = await loadModel(blobs, digest);
    expect(loaded).toMatchObject({ runs: "inline", width: 3 });
    expect(loaded.signature.output.classes).toEqual(["apple", "pear", "plum"]);
  });

  it("counts a class that only evaluation rows have as wrong, and says so", async () => {
    const table = tableOf("quince");
    const made = await build(ofKind, table);
    expect(made.target.classes).toEqual(["apple", "pear", "plum"]);
    const { report } = await judgeCandidate({ spec: ofKind, build: made, table, incumbent: undefined });
    expect(report.unseenClasses).toEqual([{ name: "quince", rows: 5 }]);
    expect(report.confusion!.actual).toEqual(["apple", "pear", "plum", "quince"]);
    const value = (name: string) => report.metrics.find((metric) => metric.name === name)!.value!;
    expect(value("logLoss")).toBeGreaterThan((5 * 36) / report.rows);
  });

  it("is compared with a champion that knows other classes", async () => {
    const champion = await build(ofConditions, tableOf());
    const written = await writeBundle(blobs, champion.parts);
    const incumbent = await openIncumbent({ version: 1, bundle: written.digest }, { blobs });
    const table = tableOf();
    const made = await build(ofKind, table);
    const { gates } = await judgeCandidate({ spec: ofKind, build: made, table, incumbent });
    // "plum" is not among the champion's classes: it is sure to be wrong there.
    expect(gates[1]).toMatchObject({ outcome: "passed" });
    expect(gates[1]!.reason).toMatch(/against \d/);
  });

  it("refuses a target of one class, and rows without one, by name", async () => {
    const table = tableOf();
    const only = { kind: "string", codes: new Int32Array(ROWS), dictionary: ["pear"] } as const;
    await expect(
      build(ofKind, { ...table, columns: new Map([...table.columns, ["kind", only]]) }),
    ).rejects.toThrow(/the target is "pear" in all training rows/);
    const missing = { ...only, codes: new Int32Array(ROWS).fill(-1, 40, 42) };
    await expect(
      build(ofKind, { ...table, columns: new Map([...table.columns, ["kind", missing]]) }),
    ).rejects.toThrow(/missing in 2 of 900 rows, first in row 41/);
  });
});
