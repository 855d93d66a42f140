import { columnsRead, customCalls, type Expression, learnedOperation, windowsOf } from "../features/spec.ts";
import type { DatasetSpec } from "./dataset.ts";
import { projectErrors } from "./errors.ts";

/**
 * No feature may read what is known only later, nor a column that the target is made of: it would know the answer.
 *
 * @throws PROJECT_LEAK
 */
export function checkLeaks(
  features: Readonly<Record<string, Expression>>,
  { dataset, target }: { readonly dataset: DatasetSpec; readonly target: Expression },
): void {
  const ofTarget = columnsRead(target);
  for (const [feature, expression] of Object.entries(features)) {
    for (const column of columnsRead(expression)) {
      const later = dataset.columns[column]?.known === "after";
      if (!later && !ofTarget.has(column)) continue;
      throw projectErrors.PROJECT_LEAK.error(
        later
          ? `feature "${feature}" reads column "${column}", which is known only after the prediction`
          : `feature "${feature}" reads column "${column}", which the target is made of`,
        {
          details: { feature, column },
          hint: later
            ? "leave the feature out"
            : `declare the column with known: "after", and your editor will catch this`,
        },
      );
    }
  }
}

/**
 * A target or weight is made of its own row: it learns nothing, and reads no past.
 *
 * @throws PROJECT_BAD_MODEL
 */
export function checkOwnRow(expression: Expression, option: "target" | "weight"): void {
  const bad = (message: string): Error =>
    projectErrors.PROJECT_BAD_MODEL.error(`${option}: ${message}`, { details: { option } });
  if (windowsOf(expression).length > 0) throw bad("the past is for features only");
  if (customCalls(expression).length > 0) throw bad("custom functions are for features only");
  const learned = learnedOperation(expression);
  if (learned !== undefined)
    throw bad(`${learned}() is learned from the training rows and cannot be used here`);
}
