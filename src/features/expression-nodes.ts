import type { Expression } from "./expression.ts";
import { signatures } from "./signatures.ts";

/** An expression and everything it is made of. */
export function* nodesOf(expression: Expression): Iterable<Expression> {
  yield expression;
  if ("args" in expression) for (const argument of expression.args) yield* nodesOf(argument);
}

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
