import { describe, expect, it } from "vitest";
import { type Recruits, recruit } from "./gbdt-crew.ts";
import { prepareTraining } from "./gbdt-preparation.ts";
import type { TrainingPlan } from "./gbdt-thread.ts";
import { loadRows } from "./row-loading.ts";
import { gbdt } from "./spec.ts";

/** A plan for two threads over 310,000 rows of two columns. */
function planForTwo(): TrainingPlan {
  const rows = 310_000;
  const column = (period: number) => Float64Array.from({ length: rows }, (_, row) => row % period);
  const names = ["x", "y"];
  const matrix = {
    rowCount: rows,
    columns: names.map((name) => ({ name, kind: "numeric", cardinality: 0 }) as const),
    values: [column(7), column(100)],
  };
  const data = { task: "regression", train: { matrix, target: column(3) } } as const;
  const { plan, base } = prepareTraining(gbdt(), data, { seed: 1, threads: 2 });
  if (plan === undefined) throw new Error("two columns that vary make a plan");
  loadRows(plan, data, base);
  return plan;
}

async function withRecruits(threads: number, action: (recruits: Recruits) => Promise<void>): Promise<void> {
  const recruits = recruit(threads);
  try {
    await action(recruits);
  } finally {
    await recruits.close();
  }
}

describe("the crew of a training", () => {
  it("shares a step, and gives back what each part returned", async () => {
    const plan = planForTwo();
    await withRecruits(2, async (recruits) => {
      const crew = await recruits.enlist(plan);
      const table = new Uint8Array(plan.memory.buffer, plan.layout.tables, 256);
      table.fill(0).fill(4, 0, 4);
      const index = new Uint32Array(plan.memory.buffer, plan.layout.train.index, 310_000);
      for (let round = 0; round < 20; round++) {
        index.forEach((_, row) => {
          index[row] = row;
        });
        const whole = { begin: 0, end: 310_000 };
        const counts = [
          ...crew.run({ kind: "partition", parts: 2, ...whole, feature: 0, node: 0 }).subarray(0, 2),
        ];
        crew.run({ kind: "gather", parts: 2, ...whole, counts });
        const left = counts[0]! + counts[1]!;
        const column = new Uint8Array(plan.memory.buffer, plan.layout.train.columns, 310_000);
        expect(
          index
            .subarray(0, left)
            .every((row, i) => table[column[row]!] === 4 && (i === 0 || row > index[i - 1]!)),
        ).toBe(true);
        expect(index.subarray(left).every((row) => table[column[row]!] === 0)).toBe(true);
      }
    });
  });

  it("reports what went wrong in a worker", async () => {
    const plan = planForTwo();
    await withRecruits(2, async (recruits) => {
      const crew = await recruits.enlist(plan);
      // The first part writes where nothing lies; the second is told to read beyond the end of the memory.
      const { memory, layout } = plan;
      const toTheEnd = (memory.buffer.byteLength - layout.train.index) / 4 - 16;
      const step = { kind: "gather", parts: 2, begin: 0, end: 10, counts: [0, toTheEnd] } as const;
      expect(() => crew.run(step)).toThrow(
        /thread 1 of the trainer failed in step "gather": RuntimeError: memory access/,
      );
    });
  });
});
