import type { FeatureColumn, FeatureMatrix } from "../kernel/index.ts";
import { inferenceErrors } from "./errors.ts";

/** @throws INFERENCE_WRONG_MATRIX when the matrix does not have the model's features, in their order */
export function checkColumns(features: readonly FeatureColumn[], matrix: FeatureMatrix): void {
  const wrong = features.findIndex((expected, index) => {
    const given = matrix.columns[index];
    return given?.name !== expected.name || given.kind !== expected.kind;
  });
  if (wrong === -1 && matrix.columns.length === features.length) return;
  const index = wrong === -1 ? features.length : wrong;
  const describe = (column: { name: string; kind: string } | undefined) =>
    column === undefined ? "nothing" : `${column.kind} column "${column.name}"`;
  throw inferenceErrors.INFERENCE_WRONG_MATRIX.error(
    `column ${index} of the matrix is ${describe(matrix.columns[index])}, the model expects ${describe(features[index])}`,
    { details: { column: index, expected: features[index]?.name ?? null } },
  );
}
