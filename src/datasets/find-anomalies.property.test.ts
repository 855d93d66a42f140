import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnType, Table, TableColumn } from "../kernel/index.ts";
import { buildProfile } from "../profile/index.ts";
import type { DatasetChecks } from "./checks.ts";
import type { Evidence, Uniqueness } from "./evidence.ts";
import { findAnomalies } from "./find-anomalies.ts";
import { neededEvidence, type Subject } from "./needed-evidence.ts";
import { findOffences } from "./row-conditions.ts";
import { distancesOfRows } from "./row-distances.ts";
import { applyChanges } from "./schema-changes.ts";

const TYPES = { town: "category", age: "float" } as const satisfies Record<string, ColumnType>;
const TOWNS = ["a", "b", "c", "d"];

interface Row {
  readonly town: string | null;
  readonly age: number | null;
}

const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  town: fc.option(fc.constantFrom(...TOWNS), { freq: 4 }),
  age: fc.option(fc.integer({ min: -5, max: 5 }), { freq: 4 }),
});
const rowsArbitrary = fc.array(rowArbitrary, { minLength: 1, maxLength: 40 });
const share = fc.constantFrom(0, 0.1, 0.25, 0.5, 1);
const distances = { jensenShannon: share, exact: fc.boolean() };
const checksArbitrary: fc.Arbitrary<DatasetChecks> = fc.record({
  rows: fc.record({ min: fc.nat(40), max: fc.nat(40) }),
  rowsOfPrevious: fc.record({ min: share, max: fc.constantFrom(1, 1.5) }),
  freshness: fc.record({ maxAgeHours: fc.constantFrom(1, 3) }),
  columns: fc.record({
    town: fc.record({
      missing: fc.record({ maxShare: share }),
      domain: fc.record({
        values: fc.subarray(TOWNS, { minLength: 1 }),
        maxShareOutside: share,
      }),
      pattern: fc.record({ matches: fc.constantFrom("^[ab]$", "c"), maxShareOutside: share }),
      unique: fc.record({ maxShareRepeated: share }),
      distinct: fc.record({ min: fc.nat(4), max: fc.nat(4) }),
      drift: fc.record({ ...distances, lInfinity: share }),
    }),
    age: fc.record({
      missing: fc.record({ maxShare: share }),
      range: fc.record({
        min: fc.integer({ min: -5, max: 5 }),
        max: fc.integer({ min: -5, max: 5 }),
        maxShareOutside: share,
      }),
      drift: fc.record({ ...distances, psi: share, kolmogorovSmirnov: share }),
    }),
  }),
});

function tableOf(rows: readonly Row[]): Table {
  return {
    rowCount: rows.length,
    columns: new Map<string, TableColumn>([
      [
        "town",
        {
          kind: "string",
          dictionary: TOWNS,
          codes: Int32Array.from(rows, ({ town }) => TOWNS.indexOf(town ?? "")),
        },
      ],
      ["age", { kind: "number", values: Float64Array.from(rows, ({ age }) => age ?? Number.NaN) }],
    ]),
  };
}

function subjectOf(rows: readonly Row[], before: readonly Row[], checks: DatasetChecks): Subject {
  const columns = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, { type }]));
  const previous = buildProfile(tableOf(before), TYPES);
  return {
    schema: { columns, time: "age", checks },
    snapshot: {
      rowCount: rows.length,
      profile: buildProfile(tableOf(rows), TYPES),
      schema: Object.entries(TYPES).map(([name, type]) => ({ name, type })),
    },
    reference: { role: "previous", rowCount: before.length, profile: previous },
    now: 7_200_000,
  };
}

function evidenceOf(subject: Subject, rows: readonly Row[], before: readonly Row[]): Evidence {
  const needed = neededEvidence(subject);
  const [now, then] = [tableOf(rows), tableOf(before)];
  const column = (table: Table, name: string) => table.columns.get(name)!;
  return {
    offences: new Map(
      [...needed.conditions].map(([name, conditions]) => [
        name,
        new Map(
          conditions.map((condition) => [
            condition.kind,
            findOffences(column(now, name), TYPES[name as keyof typeof TYPES], condition),
          ]),
        ),
      ]),
    ),
    uniqueness: new Map(needed.uniqueness.map((name) => [name, uniquenessOf(rows, name as keyof Row)])),
    distances: new Map(
      needed.distances.map((name) => [name, distancesOfRows(column(then, name), column(now, name))]),
    ),
  };
}

function uniquenessOf(rows: readonly Row[], name: keyof Row): Uniqueness {
  const present = rows.map((row) => row[name]).filter((value) => value !== null);
  const distinct = new Set(present).size;
  return { distinct, repeated: { rows: present.length - distinct, first: [], values: [] } };
}

describe("anomalies of any rows under any limits", () => {
  it("are those that counting finds, with their rows", () => {
    fc.assert(
      fc.property(rowsArbitrary, rowsArbitrary, checksArbitrary, (rows, before, checks) => {
        const subject = subjectOf(rows, before, checks);
        const { anomalies } = findAnomalies(subject, evidenceOf(subject, rows, before));
        const { town, age } = checks.columns!;
        const isFound = (kind: string, column: keyof Row, bad: (row: Row) => boolean, tolerated: number) => {
          const of = kind === "missing-values" ? rows : rows.filter((row) => row[column] !== null);
          const found = rows.flatMap((row, at) => (bad(row) ? [at + 1] : []));
          const anomaly = anomalies.find((each) => each.kind === kind && each.column === column);
          if (of.length === 0 || found.length / of.length <= tolerated) expect(anomaly).toBeUndefined();
          else {
            expect(anomaly).toMatchObject({ rows: found.length, share: found.length / of.length });
            expect(anomaly?.firstRows.map(({ row }) => row)).toEqual(found.slice(0, 5));
          }
        };
        for (const column of ["town", "age"] as const)
          isFound(
            "missing-values",
            column,
            (row) => row[column] === null,
            checks.columns![column]!.missing!.maxShare,
          );
        const domain = town!.domain!;
        isFound(
          "outside-domain",
          "town",
          (row) => row.town !== null && !domain.values.includes(row.town),
          domain.maxShareOutside!,
        );
        const pattern = new RegExp(town!.pattern!.matches);
        isFound(
          "pattern-mismatch",
          "town",
          (row) => row.town !== null && !pattern.test(row.town),
          town!.pattern!.maxShareOutside!,
        );
        const { min, max, maxShareOutside } = age!.range!;
        isFound("below-minimum", "age", (row) => row.age !== null && row.age < Number(min), maxShareOutside!);
        isFound("above-maximum", "age", (row) => row.age !== null && row.age > Number(max), maxShareOutside!);
      }),
      { numRuns: 150 },
    );
  });

  it("are gone when every proposed change is accepted", () => {
    fc.assert(
      fc.property(rowsArbitrary, rowsArbitrary, checksArbitrary, (rows, before, checks) => {
        const subject = subjectOf(rows, before, checks);
        const found = findAnomalies(subject, evidenceOf(subject, rows, before));
        const changes = found.anomalies.flatMap(({ proposal }) => (proposal === null ? [] : [proposal]));
        expect(changes).toHaveLength(found.anomalies.length);
        const changed = { ...subject, schema: applyChanges(subject.schema, changes) };
        const after = findAnomalies(changed, evidenceOf(changed, rows, before));
        expect(after.anomalies).toEqual([]);
        expect(after.unjudged).toEqual(found.unjudged);
      }),
      { numRuns: 150 },
    );
  });
});
