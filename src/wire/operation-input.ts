import type { z } from "zod";
import { controlOperations, isOperation, type OperationInput, type OperationName } from "./control.ts";
import { wireErrors } from "./errors.ts";

/** @throws WIRE_UNKNOWN_OPERATION naming the operations there are. */
export function parseOperationName(text: string): OperationName {
  if (isOperation(text)) return text;
  throw wireErrors.WIRE_UNKNOWN_OPERATION.error(`there is no operation "${text.slice(0, 80)}"`, {
    details: { operation: text.slice(0, 80) },
    hint: `operations: ${Object.keys(controlOperations).join(", ")}`,
  });
}

/**
 * Checks what a caller sent and fills in defaults.
 *
 * @throws WIRE_BAD_INPUT naming the operation and each field.
 */
export function parseOperationInput<Name extends OperationName>(
  operation: Name,
  input: unknown,
): OperationInput<Name> {
  const parsed = controlOperations[operation].input.safeParse(input);
  if (parsed.success) return parsed.data as OperationInput<Name>;
  const issues = parsed.error.issues.slice(0, 10).map(describeIssue);
  throw wireErrors.WIRE_BAD_INPUT.error(`${operation}: ${issues.map(({ text }) => text).join("; ")}`, {
    details: { operation, fields: issues.map(({ field }) => field) },
  });
}

function describeIssue(issue: z.core.$ZodIssue): { field: string; text: string } {
  // A union reports each alternative; the one that got furthest says what the caller most likely meant.
  if (issue.code === "invalid_union") {
    const closest = issue.errors.toSorted((a, b) => a.length - b.length)[0]?.[0];
    if (closest) return describeIssue({ ...closest, path: [...issue.path, ...closest.path] });
  }
  const field = issue.path.join(".");
  return { field, text: field === "" ? issue.message : `${field}: ${issue.message}` };
}
