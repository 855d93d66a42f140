import type { ColumnType } from "../../kernel/index.ts";
import type { Expression } from "../expression.ts";

/** What a key is made of: texts of category columns as they are, everything else as a number. */
export type KeyPart =
  | { readonly kind: "text"; readonly column: string; readonly filled?: string }
  | { readonly kind: "number"; readonly expression: Expression };

/** A cross is its categories side by side; texts keep their identity, whether training knew them or not. */
export function keyParts(
  expression: Expression,
  columns: Readonly<Record<string, ColumnType>>,
): readonly KeyPart[] {
  const isText = (name: string): boolean => Object.hasOwn(columns, name) && columns[name] === "category";
  if (expression.op === "cross") return expression.args.flatMap((part) => keyParts(part, columns));
  if (expression.op === "column" && isText(expression.name)) {
    return [{ kind: "text", column: expression.name }];
  }
  if (expression.op === "fillMissing") {
    const [inner] = expression.args;
    const filled = typeof expression.with === "object" ? expression.with.constant : undefined;
    if (inner.op === "column" && isText(inner.name) && typeof filled === "string") {
      return [{ kind: "text", column: inner.name, filled }];
    }
  }
  return [{ kind: "number", expression }];
}

/** Parts of keys, written one after the other, are told apart by their length or their end. */
export function textPart(text: string): string {
  const known = text.toWellFormed();
  return `${known.length}:${known}`;
}

export function numberPart(value: number): string {
  return `${value};`;
}
