import type { Step } from "./gbdt-thread.ts";
import type { Sums } from "./split-candidate.ts";

const KINDS = [
  "gradients",
  "residuals",
  "histogram",
  "search",
  "partition",
  "gather",
  "scores",
  "validate",
] as const satisfies readonly Step["kind"][];

/** Doubles that a step takes at most, beside one for each part in `gather`. */
export const STEP_DOUBLES = 16;

/** Writes a step where all threads can read it: a kind, the number of parts, then its own numbers. */
export function writeStep(step: Step, target: Float64Array): void {
  target[0] = KINDS.indexOf(step.kind);
  target[1] = step.parts;
  switch (step.kind) {
    case "gradients":
      target[2] = step.gradientScale;
      target[3] = step.reset ? 1 : 0;
      return;
    case "residuals":
      return;
    case "histogram":
      target[2] = step.begin;
      target[3] = step.end;
      target[4] = step.slot;
      return;
    case "search":
      target[2] = step.built;
      target[3] = step.gradientUnit;
      target[4] = step.slot;
      target[5] = step.siblingSlot;
      writeSums(step.sums, target, 6);
      writeSums(step.siblingSums, target, 9);
      return;
    case "partition":
      target[2] = step.begin;
      target[3] = step.end;
      target[4] = step.feature;
      target[5] = step.node;
      return;
    case "gather":
      target[2] = step.begin;
      target[3] = step.end;
      target.set(step.counts, 4);
      return;
    case "scores":
      target[2] = step.leaves;
      target[3] = step.drawn;
      return;
    case "validate":
      target[2] = step.hasTree ? 1 : 0;
      return;
  }
}

export function readStep(source: Float64Array): Step {
  const kind = KINDS[source[0]!]!;
  const parts = source[1]!;
  const [a = 0, b = 0, c = 0, d = 0] = source.subarray(2, 6);
  switch (kind) {
    case "gradients":
      return { kind, parts, gradientScale: a, reset: b === 1 };
    case "residuals":
      return { kind, parts };
    case "histogram":
      return { kind, parts, begin: a, end: b, slot: c };
    case "search": {
      const [sums, siblingSums] = [readSums(source, 6), readSums(source, 9)];
      return { kind, parts, built: a, gradientUnit: b, slot: c, siblingSlot: d, sums, siblingSums };
    }
    case "partition":
      return { kind, parts, begin: a, end: b, feature: c, node: d };
    case "gather":
      return { kind, parts, begin: a, end: b, counts: [...source.subarray(4, 4 + parts)] };
    case "scores":
      return { kind, parts, leaves: a, drawn: b };
    case "validate":
      return { kind, parts, hasTree: a === 1 };
  }
}

/** Sums that are not wanted are written with NaN rows. */
function writeSums(sums: Sums | undefined, target: Float64Array, at: number): void {
  target[at] = sums?.gradient ?? 0;
  target[at + 1] = sums?.hessian ?? 0;
  target[at + 2] = sums?.rows ?? Number.NaN;
}

function readSums(source: Float64Array, at: number): Sums | undefined {
  const rows = source[at + 2]!;
  if (Number.isNaN(rows)) return undefined;
  return { gradient: source[at]!, hessian: source[at + 1]!, rows };
}
