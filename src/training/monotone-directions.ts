import type { FeatureColumn } from "../kernel/index.ts";
import type { FeatureBins } from "./bins.ts";
import { trainingErrors } from "./errors.ts";
import type { GbdtSpec } from "./spec.ts";

/**
 * The directions by position among the features used: 1, −1 or 0; undefined without constraints.
 *
 * @throws TRAINING_BAD_OPTION for a name that is no column, or a category
 */
export function monotoneDirections(
  monotone: GbdtSpec["monotone"],
  columns: readonly FeatureColumn[],
  features: readonly FeatureBins[],
): Int8Array | undefined {
  if (monotone === undefined) return undefined;
  for (const name of Object.keys(monotone)) {
    const column = columns.find((candidate) => candidate.name === name);
    if (column?.kind === "numeric") continue;
    throw trainingErrors.TRAINING_BAD_OPTION.error(
      column === undefined
        ? `gbdt option monotone names "${name}", which is no feature of the model`
        : `gbdt option monotone names "${name}", a category: only numbers rise and fall`,
      {
        details: { option: "monotone", feature: name },
        hint: `numeric features: ${columns
          .filter(({ kind }) => kind === "numeric")
          .map((candidate) => candidate.name)
          .join(", ")}`,
      },
    );
  }
  return Int8Array.from(features, ({ feature }) => {
    const { name } = columns[feature]!;
    const direction = Object.hasOwn(monotone, name) ? monotone[name] : undefined;
    return direction === undefined ? 0 : direction === "increasing" ? 1 : -1;
  });
}
