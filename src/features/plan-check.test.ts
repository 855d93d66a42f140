import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../kernel/index.ts";
import { compilePlan } from "./compile.ts";
import { featuresErrors } from "./errors.ts";
import { fitPlan } from "./fit.ts";
import type { FeaturePlan } from "./plan.ts";
import { customFunctions } from "./testing/custom-code.ts";
import { column, operation, tableOf, typesOf } from "./testing/expressions.ts";
import { featureSpecs, tables } from "./testing/random-features.ts";

const data = { x: ["float", [1, 2, 3]], c: ["category", ["a", "b", null]] } as const;

function somePlan(): FeaturePlan {
  const features = {
    log: operation("log", [column("x")]),
    clipped: operation("clip", [column("x")], { low: 0 }),
    category: column("c"),
    hot: operation("oneHot", [column("c")], { maxCategories: 5, minCount: 1 }),
  };
  return fitPlan({ columns: typesOf(data), features }, tableOf(data), { seed: 1 }).plan;
}

type Change = (plan: { -readonly [Part in keyof FeaturePlan]: unknown[] & FeaturePlan[Part] }) => unknown;

describe("a plan from elsewhere", () => {
  const broken: readonly [string, Change][] = [
    ["another format", (plan) => ({ ...plan, format: "slipway.features/2" })],
    ["more members", (plan) => ({ ...plan, code: "process.exit()" })],
    ["no steps", ({ steps: _, ...plan }) => plan],
    [
      "an operation that every object has",
      (plan) => ({ ...plan, steps: [{ op: "constructor", args: [0] }] }),
    ],
    ["an operation that is code", (plan) => ({ ...plan, steps: [{ op: "log(0);throw 1;//", args: [0] }] })],
    ["an operation that is __proto__", (plan) => ({ ...plan, steps: [{ op: "__proto__", args: [0] }] })],
    ["too few arguments", (plan) => ({ ...plan, steps: [{ op: "add", args: [0] }] })],
    ["an argument that is code", (plan) => ({ ...plan, steps: [{ op: "log", args: ["0);throw 1;//"] }] })],
    ["an argument that is half", (plan) => ({ ...plan, steps: [{ op: "log", args: [0.5] }] })],
    ["an argument from the future", (plan) => ({ ...plan, steps: [{ op: "log", args: [99] }] })],
    [
      "an argument that is itself",
      (plan) => ({ ...plan, steps: [{ op: "log", args: [plan.slots.length] }] }),
    ],
    ["constants for nothing", (plan) => ({ ...plan, steps: [{ op: "log", args: [0], with: {} }] })],
    ["no constants", (plan) => ({ ...plan, steps: [{ op: "clip", args: [0] }] })],
    [
      "a constant that is code",
      (plan) => ({ ...plan, steps: [{ op: "clip", args: [0], with: { low: "0" } }] }),
    ],
    [
      "bounds that fall",
      (plan) => ({ ...plan, steps: [{ op: "bucket", args: [0], with: { bounds: [2, 1] } }] }),
    ],
    [
      "a column of no type",
      (plan) => ({ ...plan, columns: [{ name: "x", type: "toString" }, plan.columns[1]] }),
    ],
    ["two columns of one name", (plan) => ({ ...plan, columns: [plan.columns[0], plan.columns[0]] })],
    [
      "a name with a lone surrogate",
      (plan) => ({ ...plan, columns: [{ name: "\ud800", type: "int" }, plan.columns[1]] }),
    ],
    ["a dictionary with a text twice", (plan) => ({ ...plan, dictionaries: [["a", "a"]] })],
    ["a slot of no column", (plan) => ({ ...plan, slots: [{ read: "number", column: 7 }] })],
    ["a number read as text", (plan) => ({ ...plan, slots: [{ read: "hash", column: 0 }] })],
    ["a slot read in a way that is code", (plan) => ({ ...plan, slots: [{ read: "own(r);//", column: 1 }] })],
    ["an output of nothing", (plan) => ({ ...plan, outputs: [{ kind: "numeric", name: "a", value: 1e9 }] })],
    ["an output of no kind", (plan) => ({ ...plan, outputs: [{ kind: "valueOf", name: "a", value: 0 }] })],
    ["two outputs of one name", (plan) => ({ ...plan, outputs: [plan.outputs[0], plan.outputs[0]] })],
    ["nothing but a text", () => "slipway.features/1"],
    ["null", () => null],
  ];
  it.each(broken)("is refused with %s", (_, change) => {
    const changed = change(JSON.parse(JSON.stringify(somePlan())));
    expect(() => compilePlan(changed as FeaturePlan)).toThrow(SlipwayError);
    try {
      compilePlan(changed as FeaturePlan);
    } catch (thrown) {
      expect(featuresErrors.FEATURES_BAD_PLAN.is(thrown)).toBe(true);
    }
  });

  it("runs nothing but primitives, whatever is put where", () => {
    const payloads = fc.oneof(
      fc.constantFrom<unknown>(
        "__proto__",
        "constructor",
        "globalThis.escaped=1",
        '"];globalThis.escaped=1;//',
        "`$\u007bglobalThis.escaped=1}`",
        "\n*/globalThis.escaped=1//",
        -1,
        0,
        1,
        2 ** 31,
        0.5,
        null,
        true,
        [],
        {},
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(
        featureSpecs,
        tables({ min: 2, max: 6 }),
        fc.nat(),
        payloads,
        (spec, table, place, payload) => {
          const target = new Float64Array(table.rowCount);
          let plan: FeaturePlan;
          try {
            ({ plan } = fitPlan(spec, table, { target, seed: 1, functions: customFunctions }));
          } catch (thrown) {
            fc.pre(!featuresErrors.FEATURES_CANNOT_FIT.is(thrown));
            throw thrown;
          }
          const changed = JSON.parse(JSON.stringify(plan));
          replaceAt(changed, place, payload);
          try {
            const kernel = compilePlan(changed, customFunctions);
            if (kernel.outputs.length < 100) kernel.evaluateTable(table);
          } catch (thrown) {
            const { FEATURES_BAD_PLAN, FEATURES_BAD_TABLE, FEATURES_BAD_CODE, FEATURES_CUSTOM_FAILED } =
              featuresErrors;
            const refusals = [
              FEATURES_BAD_PLAN,
              FEATURES_BAD_TABLE,
              FEATURES_BAD_CODE,
              FEATURES_CUSTOM_FAILED,
            ];
            expect(refusals.some((refusal) => refusal.is(thrown))).toBe(true);
          }
          expect("escaped" in globalThis).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** Puts the payload in the place of the nth member of a JSON value, counted through all levels. */
function replaceAt(json: unknown, nth: number, payload: unknown): void {
  const places: { holder: Record<string, unknown>; name: string }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const holder = value as Record<string, unknown>;
    for (const name of Object.keys(holder)) {
      places.push({ holder, name });
      visit(holder[name]);
    }
  };
  visit(json);
  const place = places[nth % places.length]!;
  place.holder[place.name] = payload;
}
