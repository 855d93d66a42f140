import { suggest } from "./closest-name.ts";
import { projectErrors } from "./errors.ts";

/** Refuses misspelt options. @throws PROJECT_BAD_DATASET */
export function checkMembers(given: unknown, what: string, known: readonly string[]): void {
  if (typeof given !== "object" || given === null)
    throw badDataset(`${what} takes one object of options`, what);
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw badDataset(`${what} has no option "${name}"`, name, suggest(name, known));
  }
}

export function badDataset(message: string, option: string, hint?: string): Error {
  return projectErrors.PROJECT_BAD_DATASET.error(message, {
    details: { option },
    ...(hint === undefined ? {} : { hint }),
  });
}
