import type { CustomExpression, Expression, WindowExpression } from "./expression.ts";
import { signatures } from "./signatures.ts";

/**
 * An expression and everything of the same row that it is made of. Of a window those are its keys; what it collects
 * belongs to other rows.
 */
export function* nodesOf(expression: Expression): Iterable<Expression> {
  yield expression;
  if ("args" in expression) for (const argument of expression.args) yield* nodesOf(argument);
  if (expression.op === "window") for (const key of expression.window.by) yield* nodesOf(key);
}

/** The windows that an expression looks through. */
export function windowsOf(expression: Expression): WindowExpression[] {
  return [...nodesOf(expression)].filter((node) => node.op === "window");
}

/** The custom functions that an expression calls. */
export function customCalls(expression: Expression): CustomExpression[] {
  return [...nodesOf(expression)].filter((node) => node.op === "custom");
}

/** The names of the columns an expression reads of its own row. */
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
