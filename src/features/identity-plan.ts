import { type FeaturePlan, type PlanOutput, type PlanSlot, planFormat } from "./plan.ts";

/** A column that is a feature as it is. */
export interface IdentityColumn {
  readonly name: string;
  readonly type: "float" | "int" | "category";
  /** Of a category: the texts that have a code, which is their place. Every other text counts as missing. */
  readonly categories?: readonly string[];
}

/**
 * The plan whose features are its columns, in their order: for models that were trained elsewhere and bring no features
 * of their own. Every column must be given, if only as null.
 */
export function identityPlan(columns: readonly IdentityColumn[]): FeaturePlan {
  const dictionaries: (readonly string[])[] = [];
  const slots: PlanSlot[] = [];
  const outputs: PlanOutput[] = [];
  for (const [column, { name, categories }] of columns.entries()) {
    if (categories === undefined) {
      slots.push({ read: "number", column });
      outputs.push({ kind: "numeric", name, value: column });
    } else {
      const dictionary = dictionaries.push(categories) - 1;
      slots.push({ read: "code", column, dictionary });
      outputs.push({ kind: "categorical", name, cardinality: categories.length, value: column });
    }
  }
  return {
    format: planFormat,
    columns: columns.map(({ name, type }) => ({ name, type })),
    dictionaries,
    slots,
    steps: [],
    outputs,
  };
}
