import { storageErrors } from "./errors.ts";

/**
 * Refuses texts that the databases would refuse, cut short or alter, each in its own way: those with a NUL character or
 * a lone surrogate.
 *
 * @throws STORAGE_BAD_TEXT
 */
export function checkParameters(parameters: readonly unknown[]): void {
  for (const parameter of parameters) {
    if (typeof parameter !== "string" || (parameter.isWellFormed() && !parameter.includes("\0"))) continue;
    throw storageErrors.STORAGE_BAD_TEXT.error(
      `${JSON.stringify(parameter.slice(0, 80))} cannot be stored: it holds a NUL character or half of a surrogate pair`,
      { details: { text: JSON.stringify(parameter.slice(0, 80)) } },
    );
  }
}
