import {
  badRequest,
  type InputColumn,
  type InputRecord,
  type InputRules,
  inexactInteger,
} from "./prediction-body.ts";

type FeatureValue = string | number | bigint;

/** TensorFlow's Examples, however they came. */
export interface ExampleFeatures {
  readonly count: number;
  /** The values of a feature; undefined where neither the example nor its context has it. */
  valuesOf(instance: number, name: string): readonly FeatureValue[] | undefined;
}

/**
 * The records of examples: a feature of one value is a field, one without values is missing.
 *
 * @throws WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER naming example and feature
 */
export function recordsOfFeatures(examples: ExampleFeatures, rules: InputRules): InputRecord[] {
  return Array.from({ length: examples.count }, (_, instance) => {
    const record: Record<string, unknown> = {};
    for (const column of rules.columns) {
      const values = examples.valuesOf(instance, column.name);
      const bad = (problem: string) =>
        badRequest(`feature "${column.name}" ${problem}`, rules, { field: column.name, instance });
      if (values === undefined && column.required) throw bad("is missing");
      if (values !== undefined && values.length > 1) throw bad(`has ${values.length} values; one is wanted`);
      const value = fieldOf(values?.[0], column);
      if (typeof value === "bigint") throw inexactInteger(rules, { instance, field: column.name, value });
      // A feature may be called `__proto__`.
      Object.defineProperty(record, column.name, { value, enumerable: true });
    }
    return record;
  });
}

function fieldOf(value: FeatureValue | undefined, { type }: InputColumn): FeatureValue | boolean | null {
  if (value === undefined) return null;
  // Flags are integers in an Example, which has no kind of its own for them.
  return type === "bool" && typeof value === "number" ? value !== 0 : value;
}
