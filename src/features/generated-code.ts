import type { CheckedPlan } from "./plan-check.ts";
import { number } from "./primitives.ts";

/**
 * Computes `rows` rows: of slot or output k, row i stands at `k * stride + i`. One record is one row with stride 1.
 */
export type RowProgram = (slots: Float64Array, outputs: Float64Array, stride: number, rows: number) => void;

/** Where slots and outputs begin; vectors take several places. */
export interface Layout {
  readonly slotPlaces: readonly number[];
  readonly slotWidth: number;
  readonly outputPlaces: readonly number[];
  readonly outputWidth: number;
}

export function layoutOf(plan: CheckedPlan): Layout {
  const slotPlaces: number[] = [];
  let slotWidth = 0;
  for (const slot of plan.slots) {
    slotPlaces.push(slotWidth);
    slotWidth += slot.read === "words" ? slot.buckets : 1;
  }
  const outputPlaces: number[] = [];
  let outputWidth = 0;
  for (const output of plan.outputs) {
    outputPlaces.push(outputWidth);
    const slot = plan.slots[output.value];
    if (output.kind === "oneHot") outputWidth += output.labels.length;
    else outputWidth += output.kind === "words" && slot?.read === "words" ? slot.buckets : 1;
  }
  return { slotPlaces, slotWidth, outputPlaces, outputWidth };
}

/**
 * Turns a checked plan into the one function that evaluates it, for batches and for single records alike. The text of
 * the function holds calls of named primitives and numbers counted here; nothing of the plan is printed into it.
 */
export function generateProgram(plan: CheckedPlan, layout: Layout): RowProgram {
  const primitives: Record<string, unknown> = { number, writeOneHot, copyVector };
  const constants: object[] = [];
  const before: string[] = [];
  const body: string[] = [];
  for (const [at, slot] of plan.slots.entries()) {
    if (slot.read === "words") continue;
    body.push(`const v${at} = number(I[${layout.slotPlaces[at]!} * S + i]);`);
  }
  for (const [at, step] of plan.steps.entries()) {
    primitives[step.op] = step.instruction.run;
    const args = step.args.map((value) => `v${value}`);
    if (step.constants !== undefined) args.push(`k${constants.push(step.constants) - 1}`);
    const line = `const v${plan.slots.length + at} = ${step.op}(${args.join(", ")});`;
    // What depends on no column is computed once.
    (step.args.length === 0 ? before : body).push(line);
  }
  for (const [at, output] of plan.outputs.entries()) {
    const place = layout.outputPlaces[at]!;
    if (output.kind === "oneHot") {
      const k = constants.push({ place, size: output.labels.length }) - 1;
      body.push(`writeOneHot(v${output.value}, O, k${k}, S, i);`);
    } else if (output.kind === "words") {
      const slot = plan.slots[output.value];
      const size = slot?.read === "words" ? slot.buckets : 0;
      const k = constants.push({ from: layout.slotPlaces[output.value]!, place, size }) - 1;
      body.push(`copyVector(I, O, k${k}, S, i);`);
    } else body.push(`O[${place} * S + i] = v${output.value};`);
  }
  return generateFunction<RowProgram>({ functions: primitives, constants }, [
    ...before,
    "return function evaluateRows(I, O, S, n) {",
    "for (let i = 0; i < n; i++) {",
    ...body,
    "}",
    "};",
  ]);
}

let generated = 0;

/**
 * Runs generated lines that return a function. They see the functions by name and the constants as k0, k1, …
 *
 * The text is made unique: V8 shares the code of equal texts, and shared code cannot take functions and constants for
 * granted, which makes it less than half as fast.
 */
export function generateFunction<Result>(
  scope: { readonly functions: Readonly<Record<string, unknown>>; readonly constants: readonly object[] },
  lines: readonly string[],
): Result {
  generated += 1;
  const source = [
    `"use strict";`,
    `const { ${Object.keys(scope.functions).join(", ")} } = F;`,
    ...scope.constants.map((_, at) => `const k${at} = K[${at}];`),
    ...lines,
    `//# sourceURL=slipway-features-${generated}.js`,
  ].join("\n");
  return new Function("F", "K", source)(scope.functions, scope.constants);
}

function writeOneHot(
  code: number,
  outputs: Float64Array,
  { place, size }: { readonly place: number; readonly size: number },
  stride: number,
  row: number,
): void {
  const first = place * stride + row;
  const last = first + size * stride;
  for (let at = first; at < last; at += stride) outputs[at] = 0;
  if (code >= 0 && code < size) outputs[first + code * stride] = 1;
}

function copyVector(
  slots: Float64Array,
  outputs: Float64Array,
  { from, place, size }: { readonly from: number; readonly place: number; readonly size: number },
  stride: number,
  row: number,
): void {
  for (let at = 0; at < size; at++) outputs[(place + at) * stride + row] = slots[(from + at) * stride + row]!;
}
