import type { OperationOutput } from "../wire/index.ts";
import { formatQuantity } from "./format-values.ts";
import type { Style } from "./terminal.ts";

type Summary = NonNullable<OperationOutput<"train">["validation"]>;

/** `12 checks: 1 error, 2 warnings, 1 not judged`, in the colour of the worst. */
export function validationCell(summary: Summary): { readonly text: string; readonly style: Style } {
  const { checks, errors, warnings, unjudged } = summary;
  if (checks === 0 && errors === 0 && warnings === 0) return { text: "no checks declared", style: "dim" };
  const parts = [
    ...(errors === 0 ? [] : [formatQuantity(errors, "errors")]),
    ...(warnings === 0 ? [] : [formatQuantity(warnings, "warnings")]),
    ...(unjudged === 0 ? [] : [`${unjudged} not judged`]),
  ];
  return {
    text: `${formatQuantity(checks, "checks")}${parts.length === 0 ? " passed" : `: ${parts.join(", ")}`}`,
    style: errors > 0 ? "red" : warnings > 0 ? "yellow" : "green",
  };
}
