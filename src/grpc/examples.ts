import { type InputRecord, type InputRules, recordsOfFeatures, textOf } from "../wire/index.ts";
import { elementOf, type WireInteger } from "./integers.ts";

/** TensorFlow's Example: named features, each a list of one kind. */
export interface Example {
  /** A feature is null where a map's entry has a name and nothing else. */
  readonly features: { readonly feature: Readonly<Record<string, Feature | null>> } | null;
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
 * The records of a classification or regression. The context's features belong to every example.
 *
 * @throws WIRE_BAD_REQUEST, WIRE_INEXACT_INTEGER, WIRE_BAD_TENSOR naming example and feature
 */
export function recordsOfExamples(input: ExampleInput | null, rules: InputRules): InputRecord[] {
  const withContext = input?.example_list_with_context;
  const examples = withContext?.examples ?? input?.example_list?.examples ?? [];
  const shared = withContext?.context?.features?.feature ?? {};
  return recordsOfFeatures(
    {
      count: examples.length,
      valuesOf: (instance, name) => {
        const own = examples[instance]?.features?.feature ?? {};
        const feature = Object.hasOwn(own, name)
          ? own[name]
          : Object.hasOwn(shared, name)
            ? shared[name]
            : undefined;
        return feature ? valuesOf(feature, name) : undefined;
      },
    },
    rules,
  );
}

function valuesOf(feature: Feature, name: string): readonly (string | number | bigint)[] {
  const { bytes_list: bytes, float_list: floats, int64_list: integers } = feature;
  if (bytes) return bytes.value.map((value, at) => textOf(value, { name, at }));
  if (floats) return floats.value;
  return integers ? integers.value.map(elementOf) : [];
}
