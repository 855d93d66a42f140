import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BlobStore, openFileBlobs } from "../storage/index.ts";
import type { Anomaly, Findings } from "./anomaly.ts";
import { describeAnomaly } from "./anomaly.ts";
import { type AnomalyKind, anomalyKinds } from "./anomaly-kinds.ts";
import type { ColumnChecks, DatasetChecks } from "./checks.ts";
import { findSkew } from "./find-skew.ts";
import { ingest } from "./ingest.ts";
import type { DatasetSchema } from "./needed-evidence.ts";
import type { SnapshotManifest } from "./snapshot.ts";
import { csv } from "./spec.ts";
import { type ValidateRequest, validateSnapshot } from "./validate-snapshot.ts";

const COLUMNS = {
  id: { type: "int" },
  town: { type: "category" },
  age: { type: "float" },
  seen: { type: "timestamp" },
  code: { type: "text" },
  bought: { type: "bool", known: "after" },
} as const;
const HEADER = "id,town,age,seen,code,bought,comment";
const ROWS = [
  "1,Rome,20,2026-01-01T00:00:00Z,AB1,true,x",
  "2,Oslo,,2026-01-02T00:00:00Z,AB2,false,x",
  "3,Bonn,40.5,2026-01-03T00:00:00Z,ab3,true,x",
  "4,Rome,-1,2026-01-04T00:00:00Z,AB4,false,x",
  "4,Rome,99,2026-01-05T12:00:00.250Z,AB4,false,x",
];
const NOW = Date.parse("2026-01-07T12:00:00.250Z");

let folder: string;
let blobs: BlobStore;
let people: SnapshotManifest;
let before: SnapshotManifest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-validate-"));
  blobs = openFileBlobs(join(folder, "blobs"));
  people = await take(ROWS, COLUMNS);
  before = await take(
    [...Array(10).keys()].map((row) => `${row},Rome,${20 + row},2026-01-01,AB1,true,x`),
    COLUMNS,
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function take(
  rows: readonly string[],
  columns: DatasetSchema["columns"],
  header = HEADER,
): Promise<SnapshotManifest> {
  await writeFile(join(folder, "in.csv"), `${header}\n${rows.join("\n")}\n`);
  const { manifest } = await ingest({
    name: "test",
    spec: { source: csv("in.csv"), columns, checks: { unexpectedColumns: {} } },
    root: folder,
    blobs,
  });
  return manifest;
}

const validate = (checks: DatasetChecks, changes: Partial<ValidateRequest> = {}): Promise<Findings> =>
  validateSnapshot({
    schema: { columns: COLUMNS, time: "seen", checks },
    manifest: people,
    now: NOW,
    blobs,
    threads: 1,
    ...changes,
  });
const columnCheck = (name: string, checks: ColumnChecks): DatasetChecks => ({ columns: { [name]: checks } });
const previous = () => ({ reference: { role: "previous", manifest: before } as const });
const training = () => ({ reference: { role: "training", manifest: before } as const });

interface Case {
  readonly raised: DatasetChecks;
  readonly notRaised: DatasetChecks;
  readonly request?: () => Partial<ValidateRequest>;
  /** Where checks alone do not make the difference. */
  readonly notRaisedRequest?: () => Partial<ValidateRequest>;
  readonly anomaly: Partial<Anomaly>;
}

const town = (values: readonly string[], maxShareOutside?: number): DatasetChecks =>
  columnCheck("town", { domain: { values, ...(maxShareOutside === undefined ? {} : { maxShareOutside }) } });
const withColumns = (columns: DatasetSchema["columns"]) => () => ({ schema: { columns, time: "seen" } });

const CASES: Readonly<Record<AnomalyKind, Case>> = {
  "missing-column": {
    raised: {},
    notRaised: {},
    request: withColumns({ ...COLUMNS, height: { type: "float" } }),
    notRaisedRequest: () => ({}),
    anomaly: { column: "height", severity: "error", proposal: null, rows: null },
  },
  "wrong-type": {
    raised: {},
    notRaised: {},
    request: withColumns({ ...COLUMNS, town: { type: "text" } }),
    notRaisedRequest: () => ({}),
    anomaly: {
      column: "town",
      expected: "text",
      observed: "category",
      proposal: { path: ["columns", "town", "type"], value: "category" },
    },
  },
  "unexpected-column": {
    raised: { unexpectedColumns: {} },
    notRaised: { unexpectedColumns: { allowed: ["comment"] } },
    anomaly: {
      column: "comment",
      severity: "warning",
      proposal: { path: ["checks", "unexpectedColumns", "allowed"], value: ["comment"] },
    },
  },
  "too-few-rows": {
    raised: { rows: { min: 6 } },
    notRaised: { rows: { min: 5 } },
    anomaly: { expected: "at least 6 rows", observed: "5 rows", proposal: change(["rows", "min"], 5) },
  },
  "too-many-rows": {
    raised: { rows: { max: 4, severity: "warning" } },
    notRaised: { rows: { max: 5 } },
    anomaly: { severity: "warning", proposal: change(["rows", "max"], 5) },
  },
  "row-count-fell": {
    raised: { rowsOfPrevious: { min: 0.6 } },
    notRaised: { rowsOfPrevious: { min: 0.5 } },
    request: previous,
    anomaly: { severity: "warning", proposal: change(["rowsOfPrevious", "min"], 0.5) },
  },
  "row-count-grew": {
    raised: { rowsOfPrevious: { max: 0.4, severity: "error" } },
    notRaised: { rowsOfPrevious: { max: 0.5 } },
    request: previous,
    anomaly: { severity: "error", proposal: change(["rowsOfPrevious", "max"], 0.5) },
  },
  stale: {
    raised: { freshness: { maxAgeHours: 47.5 } },
    notRaised: { freshness: { maxAgeHours: 48 } },
    anomaly: {
      column: "seen",
      observed: "the newest is of 2026-01-05T12:00:00.250Z, 48 hours old",
      proposal: change(["freshness", "maxAgeHours"], 48),
    },
  },
  "duplicate-key": {
    raised: { key: { columns: ["id", "town"] } },
    notRaised: { key: { columns: ["id", "age"] } },
    anomaly: {
      column: null,
      rows: 1,
      share: 0.2,
      firstRows: [{ row: 5, value: "4, Rome" }],
      proposal: change(["key", "maxShareRepeated"], 0.2),
    },
  },
  "missing-values": {
    raised: columnCheck("age", { missing: { maxShare: 0.19 } }),
    notRaised: columnCheck("age", { missing: { maxShare: 0.2 } }),
    anomaly: {
      column: "age",
      rows: 1,
      share: 0.2,
      firstRows: [{ row: 2, value: null }],
      proposal: change(["columns", "age", "missing", "maxShare"], 0.2),
    },
  },
  "outside-domain": {
    raised: town(["Oslo"], 0.7),
    notRaised: town(["Oslo"], 0.8),
    anomaly: {
      column: "town",
      rows: 4,
      share: 0.8,
      firstRows: [
        { row: 1, value: "Rome" },
        { row: 3, value: "Bonn" },
        { row: 4, value: "Rome" },
        { row: 5, value: "Rome" },
      ],
      proposal: change(["columns", "town", "domain", "values"], ["Oslo", "Rome", "Bonn"]),
    },
  },
  "below-minimum": {
    raised: columnCheck("age", { range: { min: 0, max: 100 } }),
    notRaised: columnCheck("age", { range: { min: -1 } }),
    anomaly: {
      column: "age",
      rows: 1,
      share: 0.25,
      firstRows: [{ row: 4, value: "-1" }],
      proposal: change(["columns", "age", "range", "min"], -1),
    },
  },
  "above-maximum": {
    raised: columnCheck("seen", { range: { max: "2026-01-04" } }),
    notRaised: columnCheck("seen", { range: { max: "2026-01-04", maxShareOutside: 0.2 } }),
    anomaly: {
      column: "seen",
      firstRows: [{ row: 5, value: "2026-01-05T12:00:00.250Z" }],
      proposal: change(["columns", "seen", "range", "max"], "2026-01-05T12:00:00.250Z"),
    },
  },
  "pattern-mismatch": {
    raised: columnCheck("code", { pattern: { matches: "^[A-Z]{2}\\d$" } }),
    notRaised: columnCheck("code", { pattern: { matches: "^[A-Z]{2}\\d$", flags: "i" } }),
    anomaly: {
      column: "code",
      rows: 1,
      share: 0.2,
      firstRows: [{ row: 3, value: "ab3" }],
      proposal: change(["columns", "code", "pattern", "maxShareOutside"], 0.2),
    },
  },
  "repeated-values": {
    raised: columnCheck("id", { unique: {} }),
    notRaised: columnCheck("age", { unique: {} }),
    anomaly: {
      column: "id",
      rows: 1,
      firstRows: [{ row: 5, value: "4" }],
      proposal: change(["columns", "id", "unique", "maxShareRepeated"], 0.2),
    },
  },
  "too-few-distinct": {
    raised: columnCheck("town", { distinct: { min: 4 } }),
    notRaised: columnCheck("town", { distinct: { min: 3 } }),
    anomaly: { observed: "3 different values", proposal: change(["columns", "town", "distinct", "min"], 3) },
  },
  "too-many-distinct": {
    raised: columnCheck("age", { distinct: { max: 3 } }),
    notRaised: columnCheck("age", { distinct: { max: 4 } }),
    anomaly: { observed: "4 different values", proposal: change(["columns", "age", "distinct", "max"], 4) },
  },
  drift: {
    raised: columnCheck("town", { drift: { lInfinity: 0.39 } }),
    notRaised: columnCheck("town", { drift: { lInfinity: 0.41 } }),
    request: previous,
    anomaly: {
      column: "town",
      severity: "warning",
      distance: { measure: "l-infinity", value: 0.4, convention: "over all values" },
      proposal: change(["columns", "town", "drift", "lInfinity"], 0.4),
    },
  },
  skew: {
    raised: columnCheck("age", { skew: { kolmogorovSmirnov: 0.49, exact: true } }),
    notRaised: columnCheck("age", { skew: { kolmogorovSmirnov: 0.5, exact: true } }),
    request: training,
    anomaly: {
      column: "age",
      severity: "warning",
      distance: { measure: "kolmogorov-smirnov", value: 0.5, convention: "of the rows themselves" },
      proposal: change(["columns", "age", "skew", "kolmogorovSmirnov"], 0.5),
    },
  },
};

function change(path: readonly string[], value: NonNullable<Anomaly["proposal"]>["value"]) {
  return { path: ["checks", ...path], value };
}

describe("every kind of anomaly", () => {
  it.each(Object.keys(anomalyKinds) as AnomalyKind[])("%s is raised, and is not", async (kind) => {
    const { raised, notRaised, request, notRaisedRequest, anomaly } = CASES[kind];
    const found = await validate(raised, request?.());
    const ofKind = found.anomalies.filter((each) => each.kind === kind);
    expect(ofKind).toHaveLength(1);
    expect(ofKind[0]).toMatchObject(anomaly);
    expect(describeAnomaly(ofKind[0]!)).toContain(ofKind[0]!.observed);
    const clear = await validate(notRaised, (notRaisedRequest ?? request)?.());
    expect(clear.anomalies.filter((each) => each.kind === kind)).toEqual([]);
  });
});

describe("validation", () => {
  it("names the file and line of rows that have just been read", async () => {
    const rows = ['1,Rome,20,2026-01-01,"two', 'lines",true,x', "2,Oslo,,2026-01-02,AB2,false,x"];
    const manifest = await take(rows, COLUMNS);
    const { anomalies } = await validate(town(["Rome"]), {
      manifest,
      readFrom: { source: csv("in.csv"), root: folder },
    });
    expect(anomalies[0]?.firstRows).toEqual([{ row: 2, value: "Oslo", file: "in.csv", line: 4 }]);
    expect(describeAnomaly(anomalies[0]!)).toMatch(/^town: 1 row \(50 %\) with "Oslo"; .*in\.csv, line 4$/);
  });

  it("counts lines past rows that were rejected", async () => {
    await writeFile(join(folder, "in.csv"), "id,town\n1,Rome\nx,Rome\n2,Oslo\n");
    const source = csv("in.csv");
    const spec = {
      source,
      columns: { id: { type: "int" }, town: { type: "category" } },
      onBadRow: "quarantine",
      maxBadRowShare: 0.5,
    } as const;
    const { manifest } = await ingest({ name: "test", spec, root: folder, blobs });
    const schema = { columns: spec.columns, checks: town(["Rome"]) };
    const { anomalies } = await validate({}, { schema, manifest, readFrom: { source, root: folder } });
    expect(anomalies[0]?.firstRows).toEqual([{ row: 2, value: "Oslo", file: "in.csv", line: 4 }]);
  });

  it("writes the parts of a key that several rows have", async () => {
    const manifest = await take(["1,,,2026-01-01,,,", "1,Rome,,2026-01-01,,,", "1,,,2026-01-01,,,"], COLUMNS);
    const { anomalies } = await validate({ key: { columns: ["id", "town", "seen"] } }, { manifest });
    expect(anomalies[0]).toMatchObject({
      kind: "duplicate-key",
      rows: 1,
      firstRows: [{ row: 3, value: "1, –, 2026-01-01T00:00:00Z" }],
    });
  });

  it("leaves unjudged what has nothing to be compared with or no values", async () => {
    const { anomalies, unjudged, checks } = await validate({
      rowsOfPrevious: { min: 0.5 },
      columns: { town: { drift: { lInfinity: 0 } }, age: { skew: { psi: 0 } } },
    });
    expect({ anomalies, checks }).toEqual({ anomalies: [], checks: 3 });
    expect(unjudged).toEqual([
      { check: "rowsOfPrevious", column: null, reason: "there is no previous snapshot" },
      { check: "drift", column: "town", reason: "there is no previous snapshot" },
    ]);
    const empty = await take(["1,,,,,,x"], COLUMNS);
    const found = await validate(
      {
        freshness: { maxAgeHours: 1 },
        columns: {
          town: { domain: { values: ["a"] }, drift: { lInfinity: 0 } },
          age: { range: { min: 0 }, unique: {} },
        },
      },
      { manifest: empty, ...previous() },
    );
    expect(found.anomalies).toEqual([]);
    expect(found.unjudged.map(({ check, column }) => `${check} ${column}`)).toEqual([
      "freshness null",
      "domain town",
      "drift town",
      "range.min age",
      "unique age",
    ]);
  });

  it("lets serving data lack what is known only afterwards, and what is not required", async () => {
    const columns = { id: { type: "int" }, town: { type: "category" } } as const;
    const serving = await take(["1,Rome", "2,Kyiv"], columns, "id,town");
    const schema = {
      columns: {
        ...columns,
        age: { type: "float", required: false },
        bought: COLUMNS.bought,
        code: COLUMNS.code,
      },
      checks: { rows: { min: 100 }, unexpectedColumns: {}, ...town(["Rome"]) },
    } as const;
    const found = await validateSnapshot({
      schema,
      manifest: serving,
      now: 0,
      blobs,
      threads: 1,
      ...training(),
    });
    expect(found.anomalies.map(({ kind, column }) => `${kind} ${column}`)).toEqual([
      "missing-column code",
      "outside-domain town",
    ]);
    expect(found.anomalies[0]?.proposal).toEqual({ path: ["columns", "code", "required"], value: false });
  });

  it("says how far from each other profiles are, without rows", () => {
    const schema = {
      columns: COLUMNS,
      checks: {
        columns: {
          town: { skew: { lInfinity: 0.3 } },
          age: { skew: { psi: 0.1, exact: true } },
          id: { skew: { kolmogorovSmirnov: 1 } },
        },
      },
    };
    const found = findSkew(schema, { training: before.profile, serving: people.profile });
    expect(found.anomalies.map(({ kind, column, severity }) => [kind, column, severity])).toEqual([
      ["skew", "town", "warning"],
    ]);
    expect(found.anomalies[0]?.distance?.convention).toBe("over all values");
    expect(found.unjudged).toEqual([
      { check: "skew", column: "age", reason: "its limit is for rows, not for profiles" },
    ]);
  });

  it("counts 64-bit integers that doubles cannot tell apart as different", async () => {
    const manifest = await take(["9007199254740993,a,,,,,", "9007199254740992,a,,,,,"], COLUMNS);
    const { anomalies } = await validate(columnCheck("id", { unique: {}, distinct: { max: 2, min: 2 } }), {
      manifest,
    });
    expect(anomalies).toEqual([]);
  });
});
