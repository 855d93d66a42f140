import { type Context, constants, createContext, Script } from "node:vm";
import { cos, exp, expm1, log, log1p, log2, log10, pow, sin, tanh } from "../../kernel/index.ts";
import { featuresErrors } from "../errors.ts";
import { allowedGlobals, exactMath, type kernelMath } from "./language-limits.ts";

/** What a custom function is given: numbers, times as milliseconds since 1970, texts, true and false; null is missing. */
export type CustomValue = number | string | boolean | null;

/** The functions of one module of custom code. */
export interface CustomFunctions {
  /** The function of a name, of which nothing is known. @throws FEATURES_BAD_CODE when there is none */
  find(name: string): (...values: readonly CustomValue[]) => unknown;
}

const kernelFunctions = { cos, exp, expm1, log, log1p, log2, log10, pow, sin, tanh } satisfies Record<
  (typeof kernelMath)[number],
  unknown
>;

/**
 * Runs a module of custom code, as `compileCustomCode` makes it, in a realm of its own, where nothing is but what gives the
 * same on every machine. This keeps honest code pure; it is no cage for hostile code, which is why code that this
 * installation has not signed is not run at all.
 *
 * @throws FEATURES_BAD_CODE
 */
export function openCustomFunctions(code: string): CustomFunctions;
export function openCustomFunctions(code: string | undefined): CustomFunctions | undefined;
export function openCustomFunctions(code: string | undefined): CustomFunctions | undefined {
  if (code === undefined) return undefined;
  let functions: Readonly<Record<string, unknown>>;
  try {
    const realm = createContext(constants.DONT_CONTEXTIFY, {
      codeGeneration: { strings: false, wasm: false },
    });
    prepare(realm);
    const run: unknown = new Script(`(function (exports) { "use strict";\n${code}\nreturn exports; })`, {
      filename: "custom-features.js",
      lineOffset: -1,
    }).runInContext(realm);
    const empty: unknown = new Script("({})").runInContext(realm);
    functions = (run as (exports: unknown) => Readonly<Record<string, unknown>>)(empty);
  } catch (thrown) {
    throw featuresErrors.FEATURES_BAD_CODE.error(`the custom code does not run: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  return {
    find: (name) => {
      const found = Object.hasOwn(functions, name) ? functions[name] : undefined;
      if (typeof found === "function") return found as (...values: readonly CustomValue[]) => unknown;
      throw featuresErrors.FEATURES_BAD_CODE.error(`the custom code has no function "${name}"`, {
        details: { function: name },
      });
    },
  };
}

/** Takes away what is not allowed, and puts the kernel's functions, wrapped by ones of the realm, in place of Math's. */
function prepare(realm: Context): void {
  const setUp: unknown = new Script(`(function (allowed, exact, kernel) { "use strict";
    for (const name of Object.getOwnPropertyNames(globalThis))
      if (!allowed.includes(name) && name !== "globalThis") delete globalThis[name];
    for (const name of Object.getOwnPropertyNames(Math)) if (!exact.includes(name)) delete Math[name];
    for (const name of Object.keys(kernel)) {
      const compute = kernel[name];
      Math[name] = name === "pow" ? (x, y) => compute(+x, +y) : (x) => compute(+x);
    }
    for (const [prototype, names] of [
      [Number.prototype, ["toLocaleString"]],
      [BigInt.prototype, ["toLocaleString"]],
      [Array.prototype, ["toLocaleString"]],
      [Object.prototype, ["toLocaleString"]],
      [String.prototype, ["localeCompare", "toLocaleLowerCase", "toLocaleUpperCase"]],
    ]) for (const name of names) delete prototype[name];
    Object.freeze(Math);
    delete globalThis.globalThis;
    Object.freeze(this);
  })`).runInContext(realm);
  const apply = setUp as (
    this: unknown,
    allowed: readonly string[],
    exact: readonly string[],
    kernel: typeof kernelFunctions,
  ) => void;
  apply.call(realm, allowedGlobals, exactMath, kernelFunctions);
}

/** Of whatever was thrown, in whatever realm. */
export function messageOf(thrown: unknown): string {
  const message: unknown =
    typeof thrown === "object" && thrown !== null && "message" in thrown ? thrown.message : thrown;
  return typeof message === "string" ? message.toWellFormed().slice(0, 300) : `it threw a ${typeof message}`;
}
