import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { inferenceErrors } from "../errors.ts";
import { writeGraph } from "../testing/write-graph.ts";
import { MergePolicy } from "./merge-policy.ts";
import { MergedSession } from "./merged-session.ts";
import { type OnnxSession, openOnnxSession } from "./onnx-session.ts";
import { invariantRows } from "./row-invariance.ts";

const clock = () => performance.now();

/** Doubles rows of two, answers in a later turn, and cannot run a row that begins with `poison`. */
function doubling(poison?: number) {
  const ran: number[] = [];
  let atOnce = 0;
  const session: OnnxSession = {
    inputs: [],
    outputs: [],
    branches: false,
    close: async () => undefined,
    run: async (inputs) => {
      const { x } = inputs;
      if (x?.type !== "float32") throw new TypeError("x is wanted");
      expect(++atOnce).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce--;
      if (x.data.some((value, at) => at % 2 === 0 && value === poison))
        throw inferenceErrors.INFERENCE_RUN_FAILED.error("poison");
      ran.push(x.shape[0]!);
      return { y: { ...x, data: x.data.map((value) => value * 2) } };
    },
  };
  return { session, ran };
}

const rowsFrom = (first: number, rows: number) =>
  Float32Array.from({ length: rows * 2 }, (_, at) => first + at);

describe("calls that come together", () => {
  it("are each answered with their own rows, in no more rows a run than are allowed, and none waits while nothing runs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ rows: fc.integer({ min: 1, max: 9 }), pause: fc.integer({ min: 0, max: 2 }) }), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.integer({ min: 1, max: 12 }),
        fc.option(fc.nat(29), { nil: undefined }),
        async (calls, mostRows, poisoned) => {
          const { session, ran } = doubling(poisoned === undefined ? undefined : poisoned * 1000);
          const merged = new MergedSession(session, { mostRows, policy: new MergePolicy(), clock });
          const answers: Promise<unknown>[] = [];
          for (const [at, { rows, pause }] of calls.entries()) {
            const data = rowsFrom(at * 1000, rows);
            const answer = merged.run({ x: { type: "float32", shape: [rows, 2], data } });
            answers.push(
              at === poisoned
                ? expect(answer).rejects.toMatchObject({ code: "INFERENCE_RUN_FAILED" })
                : expect(answer).resolves.toEqual({
                    y: {
                      type: "float32",
                      shape: [rows, 2],
                      data: rowsFrom(at * 1000, rows).map((value) => value * 2),
                    },
                  }),
            );
            for (let turn = 0; turn < pause; turn++) await new Promise((resolve) => setImmediate(resolve));
          }
          await Promise.all(answers);
          const most = Math.max(mostRows, ...calls.map(({ rows }) => rows));
          expect(ran.every((rows) => rows <= most)).toBe(true);
          expect(merged.counts.rows).toBe(ran.reduce((sum, rows) => sum + rows, 0));
          expect(merged.counts.runs).toBe(ran.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("the policy of merging", () => {
  it("merges while that is faster a call, and tries the other way now and then", () => {
    for (const mergedIsFaster of [true, false]) {
      const policy = new MergePolicy();
      let merges = 0;
      for (let run = 0; run < 1_000; run++) {
        const decision = policy.merges();
        if (decision) merges++;
        policy.note(decision ? 8 : 1, decision ? (mergedIsFaster ? 8 : 24) : 2);
      }
      if (mergedIsFaster) expect(merges).toBeGreaterThan(950);
      else expect(merges).toBeLessThan(100);
      expect(merges).toBeGreaterThan(0);
      expect(merges).toBeLessThan(1_000);
    }
  });
});

describe("the rows of a graph", () => {
  const value = (name: string) => ({ name, type: "float" as const, shape: ["n", 3] });
  const question = { outputs: ["y"], mostRows: 16, clock };

  async function rowsOfGraph(graph: Uint8Array): Promise<number> {
    const session = await openOnnxSession(graph);
    onTestFinished(() => session.close());
    const inputs = [{ name: "x", type: "float32" as const, shape: [3] }];
    return await invariantRows(session, { batching: "rows", inputs }, { ...question, clock: () => 0 });
  }

  it("may be run together where they do not know of one another", async () => {
    const nodes = [{ op: "Sigmoid", inputs: ["x"], outputs: ["y"] }];
    expect(await rowsOfGraph(writeGraph({ inputs: [value("x")], outputs: [value("y")], nodes }))).toBe(16);
  });

  it("may not where one changes what another is answered", async () => {
    const nodes = [{ op: "Softmax", inputs: ["x"], outputs: ["y"], attributes: { axis: 0 } }];
    expect(await rowsOfGraph(writeGraph({ inputs: [value("x")], outputs: [value("y")], nodes }))).toBe(1);
  });
});
