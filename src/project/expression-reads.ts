import { type Expression, signatures } from "../features/spec.ts";
import type { DatasetSpec } from "./dataset.ts";
import { projectErrors } from "./errors.ts";

/** The names of the columns an expression reads. */
export function columnsRead(expression: Expression): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of nodesOf(expression)) if (node.op === "column") names.add(node.name);
  return names;
}

/** The first operation that learns from training rows, if there is one. */
export function learnedOperation(expression: Expression): string | undefined {
  for (const node of nodesOf(expression)) {
    if (node.op === "fillMissing" && typeof node.with === "object") continue;
    if ("fitted" in signatures[node.op]) return node.op;
  }
  return undefined;
}

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

function* nodesOf(expression: Expression): Iterable<Expression> {
  yield expression;
  if ("args" in expression) for (const argument of expression.args) yield* nodesOf(argument);
}
