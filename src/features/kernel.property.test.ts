import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  digestOfJson,
  type FeatureMatrix,
  selectRows,
  type Table,
  type TableColumn,
} from "../kernel/index.ts";
import { compilePlan } from "./compile.ts";
import { featuresErrors } from "./errors.ts";
import type { FeatureSpec, Op } from "./expression.ts";
import { type FittedPlan, fitPlan } from "./fit.ts";
import type { FeaturePlan } from "./plan.ts";
import { signatures } from "./signatures.ts";
import { customFunctions } from "./testing/custom-code.ts";
import { columns, featureOf, featureSpecs, recordOf, tables } from "./testing/random-features.ts";

const seed = fc.integer({ min: 0, max: 1000 });

/** Fitted on one table and evaluated on another: categories of the second are often unseen. */
const fitted = (specs: fc.Arbitrary<FeatureSpec>) =>
  fc.record({ spec: specs, train: tables({ min: 0, max: 25 }), other: tables({ min: 1, max: 12 }), seed });

function fitOrSkip(spec: FeatureSpec, train: Table, seedOfFolds: number): FittedPlan {
  const target = new Float64Array(train.rowCount);
  for (let row = 0; row < target.length; row++) target[row] = (row * 7) % 3 === 0 ? 1 : 0;
  try {
    return fitPlan(spec, train, { target, seed: seedOfFolds, functions: customFunctions });
  } catch (thrown) {
    const { FEATURES_CANNOT_FIT, FEATURES_TOO_LARGE } = featuresErrors;
    fc.pre(!FEATURES_CANNOT_FIT.is(thrown) && !FEATURES_TOO_LARGE.is(thrown));
    throw thrown;
  }
}

function bitsOf(matrix: FeatureMatrix, row: number): BigUint64Array {
  return new BigUint64Array(Float64Array.from(matrix.values, (values) => values[row]!).buffer);
}

function expectRecordsToEqualRows(plan: FeaturePlan, table: Table): void {
  const kernel = compilePlan(JSON.parse(canonicalJson(plan)), customFunctions);
  const matrix = kernel.evaluateTable(table);
  const out = new Float64Array(kernel.outputs.length);
  for (let row = 0; row < table.rowCount; row++) {
    // Through text, as records arrive; a client's JSON is where lone surrogates come from.
    kernel.evaluateRecord(JSON.parse(JSON.stringify(recordOf(table, row))), out);
    expect(new BigUint64Array(out.buffer)).toEqual(bitsOf(matrix, row));
  }
}

describe("the kernel", () => {
  it("gives a record the very bits that its row has in a batch", () => {
    fc.assert(
      fc.property(fitted(featureSpecs), ({ spec, train, other, seed: drawn }) => {
        const { plan } = fitOrSkip(spec, train, drawn);
        expectRecordsToEqualRows(plan, train);
        expectRecordsToEqualRows(plan, other);
      }),
      { numRuns: 100 },
    );
  });

  const operations = (Object.keys(signatures) as Op[]).filter(
    (op): op is Exclude<Op, "window"> => op !== "constantTime" && op !== "window",
  );
  it.each(operations)("does so for %s on its own", (op) => {
    fc.assert(
      fc.property(
        fitted(featureOf(op).map((feature) => ({ columns, features: { feature } }))),
        ({ spec, train, other, seed: drawn }) => {
          const { plan } = fitOrSkip(spec, train, drawn);
          expectRecordsToEqualRows(plan, other);
        },
      ),
      { numRuns: 12 },
    );
  });

  it("knows one NaN, no −0 and no infinity", () => {
    const canonicalNaN = new BigUint64Array(Float64Array.of(Number.NaN).buffer)[0];
    fc.assert(
      fc.property(fitted(featureSpecs), ({ spec, train, other, seed: drawn }) => {
        const { plan } = fitOrSkip(spec, train, drawn);
        const matrix = compilePlan(plan, customFunctions).evaluateTable(other);
        for (const values of matrix.values) {
          const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length);
          for (const [row, value] of values.entries()) {
            if (Number.isNaN(value)) expect(bits[row]).toBe(canonicalNaN);
            else expect(Number.isFinite(value) && !Object.is(value, -0)).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives categorical columns only codes below their cardinality", () => {
    fc.assert(
      fc.property(fitted(featureSpecs), ({ spec, train, other, seed: drawn }) => {
        const { plan } = fitOrSkip(spec, train, drawn);
        const { columns: outputs, values } = compilePlan(plan, customFunctions).evaluateTable(other);
        for (const [at, { kind, cardinality }] of outputs.entries()) {
          if (kind === "numeric") continue;
          for (const value of values[at]!) {
            expect(
              Number.isNaN(value) || (value >= 0 && value < cardinality && Number.isInteger(value)),
            ).toBe(true);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives the rows of a selection what they have in the whole table, folds and all", () => {
    fc.assert(
      fc.property(fitted(featureSpecs), ({ spec, train, seed: drawn }) => {
        const { plan, folds } = fitOrSkip(spec, train, drawn);
        const kernel = compilePlan(plan, customFunctions);
        const whole = kernel.evaluateTable(train, { folds });
        const rows = Int32Array.from({ length: train.rowCount }, (_, row) => row).reverse();
        const part = kernel.evaluateTable(selectRows(train, rows), { folds: folds.slice().reverse() });
        for (const [at, row] of rows.entries()) expect(bitsOf(part, at)).toEqual(bitsOf(whole, row));
      }),
      { numRuns: 40 },
    );
  });
});

describe("fitting", () => {
  it("does not depend on the order of dictionaries, nor on entries nobody uses", () => {
    fc.assert(
      fc.property(fitted(featureSpecs), ({ spec, train, seed: drawn }) => {
        const { plan } = fitOrSkip(spec, train, drawn);
        const again = fitOrSkip(spec, withShuffledDictionaries(train), drawn);
        expect(digestOfJson(again.plan)).toBe(digestOfJson(plan));
      }),
      { numRuns: 60 },
    );
  });

  it("does not depend on columns that no feature reads", () => {
    fc.assert(
      fc.property(fitted(featureSpecs), ({ spec, train, seed: drawn }) => {
        const { plan } = fitOrSkip(spec, train, drawn);
        const read = new Set(plan.columns.map(({ name }) => name));
        const fewer = new Map([...train.columns].filter(([name]) => read.has(name)));
        const again = fitOrSkip(spec, { ...train, columns: fewer }, drawn);
        expect(digestOfJson(again.plan)).toBe(digestOfJson(plan));
      }),
      { numRuns: 30 },
    );
  });
});

function withShuffledDictionaries(table: Table): Table {
  const shuffled = new Map<string, TableColumn>();
  for (const [name, column] of table.columns) {
    if (column.kind === "number") shuffled.set(name, column);
    else {
      const dictionary = [...column.dictionary, "nobody uses this"].reverse();
      const codes = column.codes.map((code) =>
        code < 0 ? -1 : dictionary.indexOf(column.dictionary[code]!),
      );
      shuffled.set(name, { kind: "string", codes, dictionary });
    }
  }
  return { rowCount: table.rowCount, columns: shuffled };
}
