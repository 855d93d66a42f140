import { type ErrorDetails, SlipwayError } from "../kernel/index.ts";
import { type Output, printable } from "./terminal.ts";

/** Details that say where, in the order in which a person looks. */
const PLACES = ["file", "line", "column", "field", "row"] as const;

/**
 * An error for people: its code and message, where it happened unless the message says so, what to do. Stacks are for
 * `--debug`, and for defects: errors that are not the product's own.
 */
export function printError(
  error: unknown,
  { err, debug }: { readonly err: Output; readonly debug: boolean },
): void {
  const lines = error instanceof SlipwayError ? describe(error, err) : describeDefect(error, { err, debug });
  err.write(`${lines.join("\n")}\n`);
  if (debug) err.write(`${err.paint("dim", stackOf(error))}\n`);
}

function describe(error: SlipwayError, { paint }: Output): string[] {
  const message = error.message.split("\n").map(printable).join("\n  ");
  const place = placeOf(error.details, error.message);
  return [
    `${paint("red", "error")} ${paint("bold", error.code)}`,
    `  ${message}`,
    ...(place === "" ? [] : [`  ${paint("dim", "at")} ${printable(place)}`]),
    ...(error.hint === undefined
      ? []
      : [`  ${paint("cyan", "hint")} ${error.hint.split("\n").map(printable).join("\n       ")}`]),
  ];
}

function describeDefect(
  error: unknown,
  { err: { paint }, debug }: { readonly err: Output; readonly debug: boolean },
): string[] {
  const message = error instanceof Error ? error.message : String(error);
  return [
    `${paint("red", "error")} ${paint("bold", "UNEXPECTED")}`,
    `  ${message.split("\n").map(printable).join("\n  ")}`,
    `  ${paint("cyan", "hint")} this is a defect of slipway${debug ? "" : "; run the command again with --debug to see where it happened"}`,
  ];
}

function placeOf(details: ErrorDetails, message: string): string {
  return PLACES.flatMap((name) => {
    const value = details[name];
    if (typeof value !== "string" && typeof value !== "number") return [];
    return message.includes(String(value)) ? [] : [`${name} ${value}`];
  }).join(", ");
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
