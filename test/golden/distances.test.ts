import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  csv,
  type DatasetChecks,
  ingest,
  type SnapshotManifest,
  validateSnapshot,
} from "../../src/datasets/index.ts";
import {
  jensenShannonDistance,
  largestShareDifference,
  populationStability,
  sampleDistances,
} from "../../src/stats/index.ts";
import { openFileBlobs } from "../../src/storage/index.ts";
import { sharedData } from "../shared-data.ts";

/** Numbers that scipy and numpy gave by the definitions of `golden.py`, beside the file. */
interface Golden {
  readonly ref: readonly [seed: number, count: number, ...rest: unknown[]];
  readonly cur: readonly [seed: number, count: number, ...rest: unknown[]];
  readonly out: Readonly<Record<string, number>> & {
    readonly ref_counts?: readonly number[];
    readonly cur_counts?: readonly number[];
  };
}

const path = sharedData("golden/golden_drift.json");
const golden: Readonly<Record<string, Golden>> =
  path === undefined ? {} : JSON.parse(readFileSync(path, "utf8"));
const cases = Object.entries(golden).filter(([name]) => name !== "_meta");
const near = (got: number, expected: number | undefined) =>
  expect(Math.abs(got - (expected ?? Number.NaN))).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(got)));

/** The generator the golden numbers were made with: mulberry32, normal values as sums of twelve uniform ones less six. */
function normals([seed, count, mean, deviation]: Golden["ref"]): Float64Array {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return Float64Array.from({ length: count }, () => {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += uniform();
    return Number(mean) + Number(deviation) * (sum - 6);
  });
}

describe.skipIf(path === undefined)("distances are those of scipy", () => {
  it.each(cases.filter(([name]) => name.startsWith("num")))("for the samples %s", (_, { ref, cur, out }) => {
    const distances = sampleDistances(normals(ref), normals(cur));
    expect(distances.bins).toBe(out.nbins);
    near(distances.jensenShannon, out.js_2);
    near(distances.psi, out.psi);
    near(distances.kolmogorovSmirnov, out.ks_stat);
  });

  it.each(cases.filter(([, { out }]) => out.ref_counts !== undefined))("for the counts %s", (_, { out }) => {
    const [ref, cur] = [out.ref_counts ?? [], out.cur_counts ?? []];
    near(largestShareDifference(ref, cur), out.linf);
    near(jensenShannonDistance(ref, cur), out.js_2);
    near(populationStability(ref, cur), out.psi);
  });
});

describe.skipIf(path === undefined)("limits of drift are judged by the numbers of scipy", () => {
  const folder = mkdtempSync(join(tmpdir(), "slipway-golden-drift-"));
  const blobs = openFileBlobs(join(folder, "blobs"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const snapshot = async (type: "float" | "category", values: readonly (string | number)[]) => {
    writeFileSync(join(folder, "x.csv"), `x\n${values.join("\n")}\n`);
    const spec = { source: csv("x.csv"), columns: { x: { type } } };
    return (await ingest({ name: "x", spec, root: folder, blobs, threads: 1 })).manifest;
  };
  const judge = (
    [reference, manifest]: readonly [SnapshotManifest, SnapshotManifest],
    drift: NonNullable<DatasetChecks["columns"]>[string]["drift"],
  ) => {
    const type = manifest.schema[0]!.type;
    const checks: DatasetChecks = { columns: { x: { drift: { ...drift, exact: true } } } };
    const schema = { columns: { x: { type } }, checks };
    const previous = { role: "previous", manifest: reference } as const;
    return validateSnapshot({ schema, manifest, reference: previous, now: 0, blobs, threads: 1 });
  };
  /** A limit a billionth below the number is broken by it, one a billionth above is not. */
  const isExactly = async (
    snapshots: readonly [SnapshotManifest, SnapshotManifest],
    expected: Readonly<Record<string, number | undefined>>,
  ) => {
    const limits = (shift: number) =>
      Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, (value ?? 0) + shift]));
    const { anomalies } = await judge(snapshots, limits(-1e-9));
    expect(anomalies.map(({ kind }) => kind)).toEqual(Object.keys(expected).map(() => "drift"));
    for (const [at, value] of Object.values(expected).entries())
      near(anomalies[at]?.distance?.value ?? 0, value);
    expect((await judge(snapshots, limits(1e-9))).anomalies).toEqual([]);
  };

  it.each(cases.filter(([name]) => name.startsWith("num")))(
    "for the samples %s",
    async (_, { ref, cur, out }) => {
      const snapshots = [
        await snapshot("float", [...normals(ref)]),
        await snapshot("float", [...normals(cur)]),
      ] as const;
      await isExactly(snapshots, { jensenShannon: out.js_2, psi: out.psi, kolmogorovSmirnov: out.ks_stat });
    },
  );

  it.each(cases.filter(([, { out }]) => out.ref_counts !== undefined))(
    "for the counts %s",
    async (_, { out }) => {
      const rows = (counts: readonly number[] = []) =>
        counts.flatMap((count, category) => Array<string>(count).fill(`c${category}`));
      const snapshots = [
        await snapshot("category", rows(out.ref_counts)),
        await snapshot("category", rows(out.cur_counts)),
      ] as const;
      await isExactly(snapshots, { lInfinity: out.linf, jensenShannon: out.js_2 });
    },
  );
});
