import type { InputColumn, InputRecord, InputRules } from "../wire/index.ts";
import { textOf } from "../wire/index.ts";
import { grpcErrors } from "./errors.ts";
import { elementOf, type WireInteger } from "./integers.ts";

/** TensorFlow's Example: named features, each a list of one kind. */
export interface Example {
  readonly features: { readonly feature: Readonly<Record<string, Feature>> } | null;
}

interface Feature {
  readonly bytes_list?: { readonly value: readonly Uint8Array[] } | null;
  readonly float_list?: { readonly value: readonly number[] } | null;
  readonly int64_list?: { readonly value: readonly WireInteger[] } | null;
}

export interface ExampleInput {
  readonly example_list?: { readonly examples: readonly Example[] } | null;
  readonly example_list_with_context?: {
    readonly examples: readonly Example[];
    readonly context: Example | null;
  } | null;
}

/**
 * The records of a classification or regression: a feature of one value is a field, one without values is missing.
 * The context's features belong to every example.
 *
 * @throws GRPC_BAD_REQUEST, WIRE_BAD_TENSOR naming example and feature
 */
export function recordsOfExamples(input: ExampleInput | null, rules: InputRules): InputRecord[] {
  const withContext = input?.example_list_with_context;
  const examples = withContext?.examples ?? input?.example_list?.examples ?? [];
  const shared = withContext?.context?.features?.feature ?? {};
  return examples.map(({ features }, instance) => {
    const own = features?.feature ?? {};
    const record: Record<string, unknown> = {};
    for (const column of rules.columns) {
      const feature = Object.hasOwn(own, column.name)
        ? own[column.name]
        : Object.hasOwn(shared, column.name)
          ? shared[column.name]
          : undefined;
      if (feature === undefined && column.required) throw badFeature(column, instance, "is missing");
      Object.defineProperty(record, column.name, {
        value: feature === undefined ? null : fieldOf(feature, column, instance),
        enumerable: true,
      });
    }
    return record;
  });
}

function fieldOf(feature: Feature, column: InputColumn, instance: number): unknown {
  const values = valuesOf(feature, column.name);
  if (values.length > 1) throw badFeature(column, instance, `has ${values.length} values; one is wanted`);
  const value = values[0] ?? null;
  if (typeof value === "bigint")
    throw badFeature(column, instance, `is the integer ${value}, which cannot be represented exactly`);
  // Flags are integers in an Example, which has no kind of its own for them.
  return column.type === "bool" && typeof value === "number" ? value !== 0 : value;
}

function valuesOf(feature: Feature, name: string): readonly (string | number | bigint)[] {
  const { bytes_list: bytes, float_list: floats, int64_list: integers } = feature;
  if (bytes) return bytes.value.map((value, at) => textOf(value, { name, at }));
  if (floats) return floats.value;
  return integers ? integers.value.map(elementOf) : [];
}

function badFeature({ name }: InputColumn, instance: number, problem: string): Error {
  return grpcErrors.GRPC_BAD_REQUEST.error(`example ${instance}: feature "${name}" ${problem}`, {
    details: { field: name, instance },
  });
}
