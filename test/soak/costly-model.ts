import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SoakProject } from "./project.ts";

export const costlyModel = "costly";

/** A request to it takes so long. */
const COST_MS = 2;

/** Adds a model one of whose features takes `COST_MS` of processor time. */
export function addCostlyModel(project: SoakProject): void {
  const path = join(project.path, "slipway.config.ts");
  const steps = Math.round(COST_MS * stepsPerMs());
  writeFileSync(
    path,
    `${readFileSync(path, "utf8").replace("import { ", "import { custom, ")}
export const costly = model({
  from: ads,
  target: (row) => row.clicked.atLeast(1),
  features: (c) => ({
    position: c.position,
    price: custom("burnt", { reads: [c.price], returns: "number" }, (price) => {
      let x = price ?? 0;
      for (let step = 0; step < ${steps}; step++) x = Math.sqrt(x * x + 1);
      return x;
    }),
  }),
  split: byTime({ evaluateFrom: { share: 0.2 } }),
  trainer: gbdt({ trees: 5, leaves: 4 }),
});
`,
  );
}

const TIMED_STEPS = 2_000_000;

function stepsPerMs(): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const startedAt = performance.now();
    let x = round;
    for (let step = 0; step < TIMED_STEPS; step++) x = Math.sqrt(x * x + 1);
    assert.ok(Number.isFinite(x));
    fastest = Math.min(fastest, performance.now() - startedAt);
  }
  return TIMED_STEPS / fastest;
}
