import type { ColumnType } from "../kernel/index.ts";
import type { CustomColumn } from "./custom/custom-column.ts";
import { type DerivedColumn, readDerivation } from "./derivation.ts";
import { kindOfColumn } from "./expression.ts";
import { type Instruction, instructionOf } from "./instructions.ts";
import { type FeaturePlan, type PlanOutput, type PlanSlot, planFormat } from "./plan.ts";
import { type Json, readInteger, readList, readObject, readText, refusePlan } from "./plan-reader.ts";

const MOST_COLUMNS = 10_000;
const MOST_READS = 16;
const MOST_STEPS = 100_000;
const MOST_OUTPUTS = 65_536;
const MOST_TEXTS = 4_000_000;

/** A plan whose every part has been looked at, ready to be turned into code. */
export interface CheckedPlan {
  readonly columns: FeaturePlan["columns"];
  readonly custom: readonly CustomColumn[];
  readonly derived: readonly DerivedColumn[];
  readonly dictionaries: readonly (readonly string[])[];
  readonly slots: readonly PlanSlot[];
  readonly steps: readonly CheckedStep[];
  readonly outputs: readonly PlanOutput[];
}

export interface CheckedStep {
  readonly op: string;
  readonly instruction: Instruction;
  readonly args: readonly number[];
  /** The primitive's last argument. */
  readonly constants: object | undefined;
}

/**
 * Reads a plan as foreign JSON.
 *
 * @throws FEATURES_BAD_PLAN
 */
export function checkPlan(plan: Json): CheckedPlan {
  const own = readObject(plan, "the plan", [
    "format",
    "columns",
    "custom",
    "derived",
    "dictionaries",
    "slots",
    "steps",
    "outputs",
  ]);
  if (own.format !== planFormat) {
    throw refusePlan(`is ${JSON.stringify(own.format)}; this version reads "${planFormat}"`, "format");
  }
  const columns = readList(own.columns, "columns", MOST_COLUMNS).map(readColumn);
  if (new Set(columns.map((column) => column.name)).size !== columns.length) {
    throw refusePlan("must have different names", "columns");
  }
  const custom = own.custom === undefined ? [] : readCustomColumns(own.custom, columns);
  const derived = own.derived === undefined ? [] : readDerivedColumns(own.derived, columns);
  const dictionaries = readList(own.dictionaries, "dictionaries", MOST_COLUMNS).map(readDictionary);
  const slots = readList(own.slots, "slots", MOST_COLUMNS).map((slot, at) =>
    readSlot(slot, `slots[${at}]`, { columns, custom, derived, dictionaries }),
  );
  const steps = readList(own.steps, "steps", MOST_STEPS).map((step, at) =>
    readStep(step, `steps[${at}]`, { slots, before: slots.length + at }),
  );
  const values = slots.length + steps.length;
  const outputs = readList(own.outputs, "outputs", MOST_OUTPUTS).map((output, at) =>
    readOutput(output, `outputs[${at}]`, { slots, values }),
  );
  return { columns, custom, derived, dictionaries, slots, steps, outputs };
}

function readColumn(column: Json, at: number): FeaturePlan["columns"][number] {
  const where = `columns[${at}]`;
  const own = readObject(column, where, ["name", "type", "optional"]);
  const type = readText(own.type, where);
  if (!Object.hasOwn(kindOfColumn, type)) throw refusePlan("has an unknown type", where);
  if (own.optional !== undefined && own.optional !== true)
    throw refusePlan("has a bad member optional", where);
  const name = readText(own.name, where);
  return { name, type: type as ColumnType, ...(own.optional === true ? { optional: true } : {}) };
}

function readCustomColumns(given: Json, columns: FeaturePlan["columns"]): CustomColumn[] {
  const names = new Set(columns.map(({ name }) => name));
  return readList(given, "custom", MOST_COLUMNS).map((column, at): CustomColumn => {
    const where = `custom[${at}]`;
    const own = readObject(column, where, ["name", "type", "function", "reads"]);
    const name = readText(own.name, where);
    if (names.has(name)) throw refusePlan("must have a name of its own", where);
    names.add(name);
    const { type } = own;
    if (type !== "float" && type !== "bool" && type !== "category")
      throw refusePlan("has an unknown type", where);
    const reads = readList(own.reads, where, MOST_READS).map((place) =>
      readInteger(place, where, { least: 0, most: columns.length - 1 }),
    );
    return { name, type, function: readText(own.function, where), reads };
  });
}

function readDerivedColumns(given: Json, columns: FeaturePlan["columns"]): DerivedColumn[] {
  const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]));
  const names = new Set(columns.map(({ name }) => name));
  const derived = readList(given, "derived", MOST_COLUMNS).map((column, at): DerivedColumn => {
    const where = `derived[${at}]`;
    const own = readObject(column, where, ["name", "type", "from"]);
    const name = readText(own.name, where);
    if (names.has(name)) throw refusePlan("must have a name of its own", where);
    names.add(name);
    if (own.type !== "float") throw refusePlan("must be of the type float", where);
    return { name, type: own.type, from: readDerivation(own.from, `${where}.from`, types) };
  });
  if (new Set(derived.map(({ from }) => from.window.time)).size > 1) {
    throw refusePlan("must have windows over the same time", "derived");
  }
  return derived;
}

function readDictionary(dictionary: Json, at: number): string[] {
  const where = `dictionaries[${at}]`;
  const texts = readList(dictionary, where, MOST_TEXTS).map((text) => readText(text, where));
  if (new Set(texts).size !== texts.length) throw refusePlan("must have different texts", where);
  return texts;
}

function readSlot(
  slot: Json,
  where: string,
  known: Pick<CheckedPlan, "columns" | "custom" | "derived" | "dictionaries">,
): PlanSlot {
  const own = readObject(slot, where, ["read", "column", "derived", "dictionary", "buckets"]);
  const { read } = own;
  const refuseExtra = (allowed: readonly string[]): void => {
    for (const name of ["column", "derived", "dictionary", "buckets"]) {
      if (own[name] !== undefined && !allowed.includes(name))
        throw refusePlan(`must not have ${name}`, where);
    }
  };
  if (read === "fold") {
    refuseExtra([]);
    return { read };
  }
  if (read === "derived") {
    refuseExtra(["derived"]);
    return { read, derived: readInteger(own.derived, where, { least: 0, most: known.derived.length - 1 }) };
  }
  const fields = [...known.columns, ...known.custom];
  const column = readInteger(own.column, where, { least: 0, most: fields.length - 1 });
  const { type } = fields[column]!;
  const isText = type === "category" || type === "text";
  if (isText === (read === "number"))
    throw refusePlan(`cannot read a ${type} column as ${String(read)}`, where);
  switch (read) {
    case "number":
    case "hash":
    case "length":
    case "wordCount":
      refuseExtra(["column"]);
      return { read, column };
    case "code": {
      refuseExtra(["column", "dictionary"]);
      const most = known.dictionaries.length - 1;
      return { read, column, dictionary: readInteger(own.dictionary, where, { least: 0, most }) };
    }
    case "words":
      refuseExtra(["column", "buckets"]);
      return { read, column, buckets: readInteger(own.buckets, where, { least: 1, most: 65_536 }) };
    default:
      throw refusePlan("reads in an unknown way", where);
  }
}

function readStep(
  step: Json,
  where: string,
  known: { readonly slots: readonly PlanSlot[]; readonly before: number },
): CheckedStep {
  const own = readObject(step, where, ["op", "args", "with"]);
  const instruction = instructionOf(own.op);
  if (instruction === undefined) {
    throw refusePlan(`has an unknown operation ${JSON.stringify(own.op)?.slice(0, 80)}`, where);
  }
  const args = readList(own.args, where, 8).map((value) => readScalar(value, where, known));
  if (args.length !== instruction.arity) throw refusePlan(`must have ${instruction.arity} arguments`, where);
  if (instruction.constants === undefined && own.with !== undefined) {
    throw refusePlan("must not have constants", where);
  }
  return { op: String(own.op), instruction, args, constants: instruction.constants?.(own.with, where) };
}

/** The number of a value that is one number a row. */
function readScalar(
  value: Json,
  where: string,
  known: { readonly slots: readonly PlanSlot[]; readonly before: number },
): number {
  const index = readInteger(value, where, { least: 0, most: known.before - 1 });
  if (known.slots[index]?.read === "words") throw refusePlan("uses a vector as a number", where);
  return index;
}

function readOutput(
  output: Json,
  where: string,
  known: { readonly slots: readonly PlanSlot[]; readonly values: number },
): PlanOutput {
  const own = readObject(output, where, ["kind", "name", "value", "cardinality", "labels"]);
  const name = readText(own.name, where);
  const refuseExtra = (allowed: string): void => {
    for (const member of ["cardinality", "labels"]) {
      if (own[member] !== undefined && member !== allowed) throw refusePlan(`must not have ${member}`, where);
    }
  };
  if (own.kind === "words") {
    refuseExtra("");
    const value = readInteger(own.value, where, { least: 0, most: known.values - 1 });
    if (known.slots[value]?.read !== "words") throw refusePlan("must name a vector", where);
    return { kind: "words", name, value };
  }
  const value = readScalar(own.value, where, { slots: known.slots, before: known.values });
  switch (own.kind) {
    case "numeric":
      refuseExtra("");
      return { kind: "numeric", name, value };
    case "categorical": {
      refuseExtra("cardinality");
      const cardinality = readInteger(own.cardinality, where, { least: 1, most: 16_777_216 });
      return { kind: "categorical", name, cardinality, value };
    }
    case "oneHot": {
      refuseExtra("labels");
      const labels = readList(own.labels, where, MOST_OUTPUTS).map((label) => readText(label, where));
      return { kind: "oneHot", name, labels, value };
    }
    default:
      throw refusePlan("has an unknown kind", where);
  }
}
