import { type ColumnType, canonicalJson, type JsonValue } from "../kernel/index.ts";
import type { NamedCustomColumn } from "./custom/custom-column.ts";
import { columnsOfDerivation, type DerivedColumn } from "./derivation.ts";
import type { InstructionName } from "./instructions.ts";
import { type FeaturePlan, type PlanOutput, type PlanSlot, type PlanStep, planFormat } from "./plan.ts";

/** The number of a value in a plan under construction. */
export type ValueId = number & { readonly __brand: "ValueId" };

type Value =
  | { readonly slot: PlanSlot }
  | { readonly op: InstructionName; readonly args: readonly ValueId[]; readonly with?: JsonValue };

export interface PlanBuilder {
  /** The place of a column in the plan, added on first use. */
  column(name: string): number;
  /** The place of a custom column, for slots, added on first use. */
  custom(column: NamedCustomColumn): number;
  /** The place of a derived column in the plan, added on first use. */
  derived(column: DerivedColumn): number;
  /** The place of a dictionary in the plan, added on first use. */
  dictionary(texts: readonly string[]): number;
  slot(slot: PlanSlot): ValueId;
  /** The same operation of the same values is computed once. */
  step(op: InstructionName, args: readonly ValueId[], constants?: JsonValue): ValueId;
  output(output: PlanOutput): void;
  /** The plan of all outputs. */
  build(): FeaturePlan;
  /** A plan of one numeric output, `value`, as far as it is built now. */
  planOf(value: ValueId): FeaturePlan;
}

export function createPlanBuilder(
  types: Readonly<Record<string, ColumnType>>,
  optional: readonly string[],
): PlanBuilder {
  const columns: FeaturePlan["columns"][number][] = [];
  const derived: DerivedColumn[] = [];
  const custom: NamedCustomColumn[] = [];
  const dictionaries: (readonly string[])[] = [];
  const values: Value[] = [];
  const outputs: PlanOutput[] = [];
  const numbered = new Map<string, number>();

  const once = (key: string, add: () => number): number => {
    const known = numbered.get(key);
    if (known !== undefined) return known;
    const made = add();
    numbered.set(key, made);
    return made;
  };

  const assemble = (wanted: readonly PlanOutput[]): FeaturePlan => {
    const used = reachable(values, wanted);
    const isSlot = (id: number): boolean => "slot" in values[id]!;
    const order = [...used.filter(isSlot), ...used.filter((id) => !isSlot(id))];
    const renumbered = new Map(order.map((id, at) => [id, at]));
    const slots: PlanSlot[] = [];
    const steps: PlanStep[] = [];
    const keptColumns: FeaturePlan["columns"][number][] = [];
    const keptCustom: NamedCustomColumn[] = [];
    const keptDerived: DerivedColumn[] = [];
    const keptDictionaries: (readonly string[])[] = [];
    for (const id of order) {
      const value = values[id]!;
      if ("slot" in value) slots.push(rebased(value.slot));
      else {
        const { op, args, with: constants } = value;
        const step = { op, args: args.map((arg) => renumbered.get(arg)!) };
        steps.push(constants === undefined ? step : { ...step, with: constants });
      }
    }
    // A record must bring what its derived and custom columns are made of.
    const placeKept = (name: string): number => keep(keptColumns, columns[columnPlace(name)]!);
    for (const { from } of keptDerived) for (const name of columnsOfDerivation(from)) placeKept(name);
    const called = keptCustom.map((column) => ({ ...column, reads: column.reads.map(placeKept) }));
    return {
      format: planFormat,
      columns: keptColumns,
      ...(called.length === 0 ? {} : { custom: called }),
      ...(keptDerived.length === 0 ? {} : { derived: keptDerived }),
      dictionaries: keptDictionaries,
      slots: slots.map((slot) =>
        "column" in slot && slot.column < 0
          ? { ...slot, column: keptColumns.length - 1 - slot.column }
          : slot,
      ),
      steps,
      outputs: wanted.map((output) => ({ ...output, value: renumbered.get(output.value)! })),
    };

    /** The slot with the places its column and dictionary have among those that are kept. */
    function rebased(slot: PlanSlot): PlanSlot {
      if (slot.read === "fold") return slot;
      if (slot.read === "derived") return { ...slot, derived: keep(keptDerived, derived[slot.derived]!) };
      const column =
        slot.column < 0
          ? -1 - keep(keptCustom, custom[-1 - slot.column]!)
          : keep(keptColumns, columns[slot.column]!);
      return slot.read === "code"
        ? { ...slot, column, dictionary: keep(keptDictionaries, dictionaries[slot.dictionary]!) }
        : { ...slot, column };
    }
  };

  const columnPlace = (name: string): number =>
    once(`column ${name}`, () => {
      const column = { name, type: types[name]! };
      return columns.push(optional.includes(name) ? { ...column, optional: true } : column) - 1;
    });

  return {
    column: columnPlace,
    // How many columns there will be before them is known at the end: until then their places count down from −1.
    custom: (column) => once(`custom ${canonicalJson(column)}`, () => -custom.push(column)),
    derived: (column) => once(`derived ${canonicalJson(column)}`, () => derived.push(column) - 1),
    dictionary: (texts) => once(`dictionary ${canonicalJson(texts)}`, () => dictionaries.push(texts) - 1),
    slot: (slot) => once(`slot ${canonicalJson(slot)}`, () => values.push({ slot }) - 1) as ValueId,
    step: (op, args, constants) => {
      const value = constants === undefined ? { op, args } : { op, args, with: constants };
      return once(`step ${canonicalJson(value)}`, () => values.push(value) - 1) as ValueId;
    },
    output: (output) => {
      outputs.push(output);
    },
    build: () => assemble(outputs),
    planOf: (value) => assemble([{ kind: "numeric", name: "value", value }]),
  };
}

/** The values that the outputs need, in rising order: a value only uses values before it. */
function reachable(values: readonly Value[], outputs: readonly PlanOutput[]): number[] {
  const wanted = new Set<number>(outputs.map((output) => output.value));
  for (let id = values.length - 1; id >= 0; id--) {
    const value = values[id]!;
    if (wanted.has(id) && "args" in value) for (const arg of value.args) wanted.add(arg);
  }
  return [...wanted].sort((a, b) => a - b);
}

function keep<Item>(kept: Item[], item: Item): number {
  const at = kept.indexOf(item);
  return at >= 0 ? at : kept.push(item) - 1;
}
