import { registryErrors } from "./errors.ts";

const NAME = /^[A-Za-z_$][\w$.-]{0,127}$/;
const TAG = /^[A-Za-z][\w.-]{0,62}$/;
const ALIAS = /^[a-z][a-z0-9_-]{0,62}$/;
/** Words that stand for something else where a version is asked for. */
const NOT_AN_ALIAS = /^(v\d+|latest)$/;

/** Checks the name of a model or dataset. @throws REGISTRY_BAD_NAME */
export function checkName(what: "model" | "dataset", name: string): string {
  if (NAME.test(name)) return name;
  throw badName(what, name, "letters, digits, _ $ . and -, not beginning with a digit, at most 128");
}

/** @throws REGISTRY_BAD_NAME */
export function checkAlias(name: string): string {
  if (ALIAS.test(name) && !NOT_AN_ALIAS.test(name)) return name;
  throw badName(
    "alias",
    name,
    `a-z, 0-9, _ and -, beginning with a letter, at most 63, not "latest" nor like "v3"`,
  );
}

/** @throws REGISTRY_BAD_NAME for what is not a tag's name or could be taken for a digest */
export function checkTag(name: string): string {
  if (TAG.test(name) && !/^(latest|[0-9a-f]+)$/i.test(name)) return name;
  throw badName(
    "tag",
    name,
    `letters, digits, _ . and -, beginning with a letter, at most 63, not "latest" nor hexadecimal digits alone`,
  );
}

/** @throws REGISTRY_BAD_NAME */
export function checkActor(name: string): string {
  if (name.trim() !== "" && name.length <= 200 && name.isWellFormed()) return name;
  throw badName("actor", name, "1 to 200 characters");
}

function badName(what: string, name: string, allowed: string): Error {
  return registryErrors.REGISTRY_BAD_NAME.error(
    `${JSON.stringify(name.slice(0, 200))} is no name for ${what === "actor" || what === "alias" ? "an" : "a"} ${what}: ${allowed}`,
    { details: { what, name: name.slice(0, 200).toWellFormed() } },
  );
}
