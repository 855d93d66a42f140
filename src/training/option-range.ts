import { trainingErrors } from "./errors.ts";

/** What a numeric option of a trainer may be. */
export interface OptionRange {
  readonly least: number;
  readonly most: number;
  readonly integer?: true;
  /** The least value itself is not allowed. */
  readonly exclusive?: true;
}

/** No upper limit of a number. */
export const ANY = Number.MAX_VALUE;
/** No upper limit of a count. */
export const COUNT = 0x7fffffff;

/** @throws TRAINING_BAD_OPTION when an option is given that the trainer does not have */
export function checkOptionNames(trainer: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw trainingErrors.TRAINING_BAD_OPTION.error(`${trainer} has no option "${name}"`, {
      details: { option: name },
      hint: `Its options are ${known.join(", ")}.`,
    });
  }
}

export function isInRange(value: unknown, range: OptionRange): boolean {
  return (
    typeof value === "number" &&
    value >= range.least &&
    value <= range.most &&
    !(range.exclusive && value === range.least) &&
    (!range.integer || Number.isInteger(value))
  );
}

export function describeRange({ least, most, integer, exclusive }: OptionRange): string {
  const what = integer ? "an integer" : "a number";
  const from = exclusive ? `above ${least}` : `of at least ${least}`;
  return `${what} ${from}${most === ANY || most === COUNT ? "" : ` and at most ${most}`}`;
}

/** @param wanted what the option must be, in words */
export function badOption(
  trainer: string,
  option: { readonly name: string; readonly value: unknown },
  wanted: string,
): Error {
  const { name, value } = option;
  return trainingErrors.TRAINING_BAD_OPTION.error(
    `${trainer} option ${name} is ${JSON.stringify(value) ?? typeof value}; it must be ${wanted}`,
    { details: { option: name } },
  );
}
