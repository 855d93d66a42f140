import type { FeatureKernel, FeaturePlan } from "../../src/features/index.ts";
import { instructionOf } from "../../src/features/instructions.ts";
import { hashText } from "../../src/features/text-hash.ts";
import { parseIsoTime, type Table } from "../../src/kernel/index.ts";

type RowSource = (record: Readonly<Record<string, unknown>>) => number;

/**
 * The usual way to run a pipeline of transformations: each step is a closure that calls the closures of its arguments.
 * The primitives are the kernel's own, so that only the way of calling them differs.
 */
export function createClosures(plan: FeaturePlan): {
  evaluateRecord: FeatureKernel["evaluateRecord"];
  evaluateTable(table: Table): Float64Array[];
} {
  const values: RowSource[] = [];
  for (const slot of plan.slots) {
    if (slot.read === "fold") {
      values.push(() => -1);
      continue;
    }
    if (slot.read === "derived") throw new Error("this peer knows no derived columns");
    const { name, type } = plan.columns[slot.column]!;
    if (slot.read === "code") {
      const codes = new Map(plan.dictionaries[slot.dictionary]!.map((text, code) => [text, code]));
      values.push((record) => {
        const text = textOf(record, name);
        return text === null ? Number.NaN : (codes.get(text) ?? -1);
      });
    } else if (slot.read === "hash") {
      values.push((record) => {
        const text = textOf(record, name);
        return text === null ? Number.NaN : hashText(text);
      });
    } else if (type === "timestamp") values.push((record) => timeOf(record, name));
    else if (type === "bool") values.push((record) => flagOf(record, name));
    else values.push((record) => numberOf(record, name));
  }
  for (const step of plan.steps) {
    const instruction = instructionOf(step.op)!;
    const args = step.args.map((value) => values[value]!);
    const constants = instruction.constants?.(step.with, step.op);
    const run = instruction.run as (...given: unknown[]) => number;
    const [a, b, c] = args;
    if (constants === undefined) {
      if (c !== undefined) values.push((record) => run(a!(record), b!(record), c(record)));
      else if (b !== undefined) values.push((record) => run(a!(record), b(record)));
      else values.push((record) => run(a!(record)));
    } else if (b !== undefined) values.push((record) => run(a!(record), b(record), constants));
    else if (a !== undefined) values.push((record) => run(a(record), constants));
    else values.push(() => run(constants));
  }
  const outputs = plan.outputs.flatMap((output): RowSource[] => {
    const value = values[output.value]!;
    if (output.kind !== "oneHot") return [value];
    return output.labels.map((_, code) => (record) => (value(record) === code ? 1 : 0));
  });
  const evaluateRecord: FeatureKernel["evaluateRecord"] = (record, out) => {
    for (let at = 0; at < outputs.length; at++) out[at] = outputs[at]!(record);
  };
  return {
    evaluateRecord,
    evaluateTable: (table) => {
      const columns = outputs.map(() => new Float64Array(table.rowCount));
      for (let row = 0; row < table.rowCount; row++) {
        const record = rowOf(table, row, plan);
        for (let at = 0; at < outputs.length; at++) columns[at]![row] = outputs[at]!(record);
      }
      return columns;
    },
  };
}

function rowOf(table: Table, row: number, plan: FeaturePlan): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const { name, type } of plan.columns) {
    const column = table.columns.get(name)!;
    if (column.kind === "string") record[name] = column.dictionary[column.codes[row]!] ?? null;
    else {
      const value = column.values[row]!;
      record[name] = Number.isNaN(value) ? null : type === "bool" ? value === 1 : value;
    }
  }
  return record;
}

function numberOf(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name];
  if (typeof value === "number") return value;
  if (value === null) return Number.NaN;
  throw new TypeError(`${name} must be a number`);
}

function flagOf(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name];
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === null) return Number.NaN;
  throw new TypeError(`${name} must be true or false`);
}

function timeOf(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name];
  return typeof value === "string" ? parseIsoTime(value) : numberOf(record, name);
}

function textOf(record: Readonly<Record<string, unknown>>, name: string): string | null {
  const value = record[name];
  if (typeof value === "string" || value === null) return value;
  throw new TypeError(`${name} must be a string`);
}
