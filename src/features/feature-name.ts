import { featuresErrors } from "./errors.ts";

const NAME = /^[\p{L}_][\p{L}\p{M}\p{N}_ .-]{0,99}$/u;

/**
 * Names of features are kept apart from the names of their outputs (`origin=ATL`, `title[7]`) by what they may not
 * contain.
 *
 * @throws FEATURES_BAD_NAME
 */
export function checkFeatureName(name: string): void {
  if (NAME.test(name) && name.trim() === name) return;
  throw featuresErrors.FEATURES_BAD_NAME.error(
    `${JSON.stringify(name.toWellFormed().slice(0, 120))} cannot be the name of a feature`,
    {
      details: { feature: name.toWellFormed().slice(0, 120) },
      hint: "a letter or _, then up to 99 letters, digits, spaces or any of _ . -",
    },
  );
}
