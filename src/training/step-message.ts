import type { Step } from "./gbdt-thread.ts";
import type { Sums } from "./split-candidate.ts";

const KINDS = [
  "gradients",
  "extremes",
  "normalise",
  "histogram",
  "search",
  "partition",
  "gather",
  "renew",
  "scores",
  "validate",
  "losses",
] as const satisfies readonly Step["kind"][];

/** Doubles that a step takes at most, beside one for each part in `gather`. */
export const STEP_DOUBLES = 24;

/** Writes a step where all threads can read it: a kind, the number of parts, then its own numbers. */
export function writeStep(step: Step, target: Float64Array): void {
  target[0] = KINDS.indexOf(step.kind);
  target[1] = step.parts;
  switch (step.kind) {
    case "gradients":
      target[2] = step.gradientScale;
      target[3] = step.hessianScale;
      target[4] = step.output;
      target[5] = step.reset ? 1 : 0;
      return;
    case "extremes":
    case "normalise":
      return;
    case "histogram":
      target[2] = step.begin;
      target[3] = step.end;
      target[4] = step.slot;
      return;
    case "search":
      target[2] = step.built;
      target[3] = step.slot;
      target[4] = step.siblingSlot;
      target[5] = step.gradientUnit;
      target[6] = step.hessianUnit;
      target.set([step.bounds.least, step.bounds.most], 7);
      target.set([step.siblingBounds.least, step.siblingBounds.most], 9);
      writeSums(step.sums, target, 11);
      writeSums(step.siblingSums, target, 14);
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
    case "renew":
      target[2] = step.leaves;
      target[3] = step.share;
      return;
    case "scores":
      target[2] = step.leaves;
      target[3] = step.drawn;
      target[4] = step.output;
      return;
    case "validate":
      target[2] = step.output;
      return;
    case "losses":
      target[2] = step.of === "train" ? 0 : 1;
      return;
  }
}

export function readStep(source: Float64Array): Step {
  const kind = KINDS[source[0]!]!;
  const parts = source[1]!;
  const [a = 0, b = 0, c = 0, d = 0] = source.subarray(2, 6);
  switch (kind) {
    case "gradients":
      return { kind, parts, gradientScale: a, hessianScale: b, output: c, reset: d === 1 };
    case "extremes":
    case "normalise":
      return { kind, parts };
    case "histogram":
      return { kind, parts, begin: a, end: b, slot: c };
    case "search":
      return {
        ...{ kind, parts, built: a, slot: b, siblingSlot: c, gradientUnit: d, hessianUnit: source[6]! },
        bounds: { least: source[7]!, most: source[8]! },
        siblingBounds: { least: source[9]!, most: source[10]! },
        sums: readSums(source, 11),
        siblingSums: readSums(source, 14),
      };
    case "partition":
      return { kind, parts, begin: a, end: b, feature: c, node: d };
    case "gather":
      return { kind, parts, begin: a, end: b, counts: [...source.subarray(4, 4 + parts)] };
    case "renew":
      return { kind, parts, leaves: a, share: b };
    case "scores":
      return { kind, parts, leaves: a, drawn: b, output: c };
    case "validate":
      return { kind, parts, output: a };
    case "losses":
      return { kind, parts, of: a === 0 ? "train" : "validate" };
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
