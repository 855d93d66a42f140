import { columnsRead, type Expression } from "../features/spec.ts";
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
