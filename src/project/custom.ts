import { customCalls, type Expression } from "../features/spec.ts";
import { projectErrors } from "./errors.ts";
import {
  type CategoryColumn,
  expressionOf,
  type Flag,
  type Num,
  type Text,
  type Time,
  type Value,
} from "./language.ts";
import { columnTypesOf, isValue, valueFor } from "./values.ts";

/** A column that a custom function can be given. */
export type CustomRead = Num | Flag | Time | CategoryColumn | Text;

/** What a function is given for a column, null where it is missing: of a time milliseconds since 1970, in UTC. */
type ArgumentOf<Read> = Read extends Flag ? boolean : Read extends Num | Time ? number : string;

type ArgumentsOf<Reads extends readonly CustomRead[]> = {
  [Place in keyof Reads]: ArgumentOf<Reads[Place]> | null;
};

interface Returned {
  readonly number: { readonly result: number; readonly value: Num };
  readonly flag: { readonly result: boolean; readonly value: Flag };
  readonly category: { readonly result: string; readonly value: CategoryColumn };
}

export interface CustomOptions<
  Reads extends readonly [CustomRead, ...CustomRead[]],
  Returns extends keyof Returned,
> {
  /** The columns that the function is given, in their order: 1 to 16. */
  readonly reads: Reads;
  /** What it gives; null is missing. */
  readonly returns: Returns;
}

/** The functions, by the expressions that call them. */
const functionOf = new WeakMap<Expression, unknown>();

/**
 * A feature that a TypeScript function of the project computes from columns of the row. The function is pure: the same
 * arguments always give the same result. It goes into the bundle with everything it uses, and runs in training and serving.
 *
 *     title: custom("title", { reads: [c.name], returns: "category" }, titleOf)
 *
 * Export the function from a file of the project, or write it in place, where it can use nothing from around it.
 *
 * @param name what it is called in errors and in the bundle; different for each function of a model
 * @throws PROJECT_BAD_MODEL, FEATURES_BAD_EXPRESSION
 */
export function custom<
  const Reads extends readonly [CustomRead, ...CustomRead[]],
  const Returns extends keyof Returned,
>(
  name: string,
  options: CustomOptions<Reads, Returns>,
  compute: (...values: ArgumentsOf<Reads>) => Returned[NoInfer<Returns>]["result"] | null,
): Returned[Returns]["value"] {
  if (typeof options !== "object" || options === null) throw bad("the options are missing", name);
  const { reads, returns, ...rest } = options;
  const [extra] = Object.keys(rest);
  if (extra !== undefined) throw bad(`there is no option "${extra}"`, name);
  if (!Array.isArray(reads) || reads.length === 0 || !reads.every(isValue))
    throw bad("reads must be a list of columns", name);
  if (typeof compute !== "function") throw bad("the function is missing", name);
  const expression = {
    op: "custom",
    function: name,
    returns,
    args: reads.map((read: Value) => read[expressionOf]),
  } as unknown as Expression;
  functionOf.set(expression, compute);
  return valueFor(expression, columnTypesOf(reads[0])) as Returned[Returns]["value"];
}

/**
 * The functions that features call, by name.
 *
 * @throws PROJECT_BAD_MODEL when one name stands for two
 */
export function functionsOf(features: Readonly<Record<string, Expression>>): ReadonlyMap<string, unknown> {
  const functions = new Map<string, unknown>();
  for (const call of Object.values(features).flatMap(customCalls)) {
    const found = functionOf.get(call);
    const known = functions.get(call.function);
    if (known !== undefined && known !== found) throw bad("two functions have this name", call.function);
    functions.set(call.function, found);
  }
  return functions;
}

function bad(problem: string, name: unknown): Error {
  return projectErrors.PROJECT_BAD_MODEL.error(`custom(${JSON.stringify(name)}): ${problem}`, {
    details: { option: "features" },
    hint: 'custom("title", { reads: [c.name], returns: "category" }, titleOf)',
  });
}
