import { checkExpression, type Expression, type Op, signatures, type ValueKind } from "../features/spec.ts";
import type { ColumnType } from "../kernel/index.ts";
import { projectErrors } from "./errors.ts";
import {
  type Cat,
  type CategoryColumn,
  type CategoryOptions,
  type ClipOptions,
  expressionOf,
  type Flag,
  kindOf,
  type Num,
  type Operand,
  type Text,
  type Time,
  type TimeOperand,
  type Value,
  type Vec,
  type Weekday,
} from "./language.ts";

/** The declared columns, by name, in whose terms values are checked as they are made. */
export type ColumnTypes = Readonly<Record<string, ColumnType>>;

type Options = Readonly<Record<string, unknown>>;

const columnsOf = Symbol("columns");

class BaseValue<Kind extends ValueKind> implements Value<Kind> {
  readonly [expressionOf]: Expression;
  readonly [kindOf]: Kind;
  readonly [columnsOf]: ColumnTypes;

  constructor(expression: Expression, kind: Kind, columns: ColumnTypes) {
    this[expressionOf] = expression;
    this[kindOf] = kind;
    this[columnsOf] = columns;
  }
}

class MissingValue<Kind extends ValueKind> extends BaseValue<Kind> {
  isMissing(): Flag {
    return derive(this, "isMissing");
  }
  missingIndicator(): Num {
    return derive(this, "missingIndicator");
  }
}

class NumberValue extends MissingValue<"number"> implements Num {
  add(other: Operand): Num {
    return derive(this, "add", [other]);
  }
  subtract(other: Operand): Num {
    return derive(this, "subtract", [other]);
  }
  multiply(other: Operand): Num {
    return derive(this, "multiply", [other]);
  }
  divide(other: Operand): Num {
    return derive(this, "divide", [other]);
  }
  negate(): Num {
    return derive(this, "negate");
  }
  absolute(): Num {
    return derive(this, "absolute");
  }
  minimum(other: Operand): Num {
    return derive(this, "minimum", [other]);
  }
  maximum(other: Operand): Num {
    return derive(this, "maximum", [other]);
  }
  log(): Num {
    return derive(this, "log");
  }
  log1p(): Num {
    return derive(this, "log1p");
  }
  squareRoot(): Num {
    return derive(this, "squareRoot");
  }
  clip(limits: ClipOptions): Num {
    return derive(this, "clip", [], optionsOf(limits, "clip"));
  }
  round(digits = 0): Num {
    return derive(this, "round", [], { digits });
  }
  above(other: Operand): Flag {
    return derive(this, "above", [other]);
  }
  atLeast(other: Operand): Flag {
    return derive(this, "atLeast", [other]);
  }
  below(other: Operand): Flag {
    return derive(this, "below", [other]);
  }
  atMost(other: Operand): Flag {
    return derive(this, "atMost", [other]);
  }
  between(low: Operand, high: Operand): Flag {
    return derive(this, "between", [low, high]);
  }
  equals(other: Operand): Flag {
    return derive(this, "equals", [other]);
  }
  fillMissing(value: number | "mean" | "median" | "mostFrequent"): Num {
    return derive(this, "fillMissing", [], { with: typeof value === "string" ? value : { constant: value } });
  }
  standardized(): Num {
    return derive(this, "standardized");
  }
  bucketized(buckets: number): Cat {
    return derive(this, "bucketized", [], { buckets });
  }
}

class CategoryValue extends MissingValue<"category"> implements CategoryColumn {
  limited(options: CategoryOptions): Cat {
    return derive(this, "limited", [], {
      maxCategories: 1000,
      minCount: 1,
      ...optionsOf(options, "limited"),
    });
  }
  oneHot(options: CategoryOptions = {}): Vec {
    return derive(this, "oneHot", [], { maxCategories: 100, minCount: 1, ...optionsOf(options, "oneHot") });
  }
  ordinal(options: CategoryOptions | { readonly order: readonly string[] } = {}): Num {
    return derive(this, "ordinal", [], { ...manyCategories, ...optionsOf(options, "ordinal") });
  }
  frequencyEncoded(options: CategoryOptions = {}): Num {
    return derive(this, "frequencyEncoded", [], {
      ...manyCategories,
      ...optionsOf(options, "frequencyEncoded"),
    });
  }
  targetEncoded(options: CategoryOptions & { readonly smoothing?: number } = {}): Num {
    const given = optionsOf(options, "targetEncoded");
    return derive(this, "targetEncoded", [], { ...manyCategories, smoothing: 20, ...given });
  }
  hashed(buckets: number): Cat {
    return derive(this, "hashed", [], { buckets });
  }
  cross(...others: readonly [Cat, ...Cat[]]): Cat {
    return derive(this, "cross", others, manyCategories);
  }
  is(value: string): Flag {
    return derive(this, "is", [], { value });
  }
  isOneOf(values: readonly string[]): Flag {
    return derive(this, "isOneOf", [], { values });
  }
  fillMissing(value: { readonly constant: string } | "mostFrequent"): CategoryColumn {
    return derive(this, "fillMissing", [], { with: value });
  }
}

const manyCategories = { maxCategories: 10_000, minCount: 1 } as const;

class FlagValue extends MissingValue<"flag"> implements Flag {
  and(other: Flag): Flag {
    return derive(this, "and", [other]);
  }
  or(other: Flag): Flag {
    return derive(this, "or", [other]);
  }
  not(): Flag {
    return derive(this, "not");
  }
  fillMissing(value: boolean | "mostFrequent"): Flag {
    return derive(this, "fillMissing", [], {
      with: typeof value === "boolean" ? { constant: value } : value,
    });
  }
}

class TimeValue extends MissingValue<"time"> implements Time {
  year(): Num {
    return derive(this, "year");
  }
  month(): Num {
    return derive(this, "month");
  }
  dayOfMonth(): Num {
    return derive(this, "dayOfMonth");
  }
  dayOfWeek(): Weekday {
    return derive(this, "dayOfWeek");
  }
  dayOfYear(): Num {
    return derive(this, "dayOfYear");
  }
  hourOfDay(): Num {
    return derive(this, "hourOfDay");
  }
  minuteOfHour(): Num {
    return derive(this, "minuteOfHour");
  }
  hoursSince(other: TimeOperand): Num {
    return derive(this, "hoursSince", [timeOperand(other)]);
  }
  daysSince(other: TimeOperand): Num {
    return derive(this, "daysSince", [timeOperand(other)]);
  }
}

class TextValue extends MissingValue<"text"> implements Text {
  length(): Num {
    return derive(this, "length");
  }
  wordCount(): Num {
    return derive(this, "wordCount");
  }
  wordsHashed(buckets: number): Vec {
    return derive(this, "wordsHashed", [], { buckets });
  }
}

class VectorValue extends BaseValue<"vector"> implements Vec {}

const classes = {
  number: NumberValue,
  category: CategoryValue,
  flag: FlagValue,
  time: TimeValue,
  text: TextValue,
  vector: VectorValue,
} as const satisfies { readonly [Kind in ValueKind]: new (...given: never[]) => Value<Kind> };

refuseForeignMethods();

/** The value of an expression, after checking it. */
export function valueFor(expression: Expression, columns: ColumnTypes): Value {
  const kind = checkExpression(expression, columns);
  switch (kind) {
    case "number":
      return new NumberValue(expression, kind, columns);
    case "category":
      return new CategoryValue(expression, kind, columns);
    case "flag":
      return new FlagValue(expression, kind, columns);
    case "time":
      return new TimeValue(expression, kind, columns);
    case "text":
      return new TextValue(expression, kind, columns);
    case "vector":
      return new VectorValue(expression, kind, columns);
  }
}

/** The columns in whose terms a value was checked. */
export function columnTypesOf(value: Value): ColumnTypes {
  return (value as BaseValue<ValueKind>)[columnsOf];
}

export function isValue(given: unknown): given is Value {
  return typeof given === "object" && given !== null && expressionOf in given;
}

/**
 * `yes` where the flag is true, `no` where it is false, missing where the flag is missing; null is the missing number.
 *
 *     when(c.age.above(120), null, c.age)
 */
export function when(flag: Flag, yes: Operand | null, no: Operand | null): Num {
  if (!(flag instanceof FlagValue)) {
    throw projectErrors.PROJECT_WRONG_KIND.error(
      "when(): the first argument must be a flag, such as c.x.above(10)",
      { details: { operation: "when" }, hint: signatures.when.written },
    );
  }
  return derive(flag, "when", [yes, no]);
}

interface ValueOfKind {
  readonly number: NumberValue;
  readonly category: CategoryValue;
  readonly flag: FlagValue;
  readonly time: TimeValue;
  readonly text: TextValue;
  readonly vector: VectorValue;
}

/** What the table of operations says an operation gives: a method that promises something else does not compile. */
type Derived<Self, Name extends Op> = (typeof signatures)[Name]["gives"] extends infer Gives
  ? Gives extends ValueKind
    ? ValueOfKind[Gives]
    : Self
  : never;

/** The value of an operation with `self` as its first argument. */
function derive<Self extends BaseValue<ValueKind>, const Name extends Op>(
  self: Self,
  op: Name,
  others: readonly unknown[] = [],
  options: Options = {},
): Derived<Self, Name> {
  const args = [self, ...others].map((argument) => asExpression(argument, op));
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  // Whatever plain JavaScript put here, the check in valueFor refuses what is not an expression.
  const expression = { op, args, ...Object.fromEntries(given) } as unknown as Expression;
  return valueFor(expression, self[columnsOf]) as unknown as Derived<Self, Name>;
}

function asExpression(argument: unknown, op: Op): Expression {
  if (isValue(argument)) return argument[expressionOf];
  if (typeof argument === "number" || argument === null) return { op: "constant", value: argument };
  throw projectErrors.PROJECT_WRONG_KIND.error(
    `${op}(): ${argument === undefined ? "an argument is missing" : `a ${typeof argument} cannot be an argument`}`,
    { details: { operation: op }, hint: `written ${signatures[op].written}` },
  );
}

function timeOperand(other: unknown): unknown {
  if (typeof other !== "string") return other;
  return { [expressionOf]: { op: "constantTime", time: other } };
}

/** The options of a call from plain JavaScript may be anything. */
function optionsOf(options: unknown, op: Op): Options {
  if (typeof options === "object" && options !== null && !isValue(options)) return options as Options;
  throw projectErrors.PROJECT_WRONG_KIND.error(`${op}(): the options must be an object`, {
    details: { operation: op },
    hint: `written ${signatures[op].written}`,
  });
}

/**
 * TypeScript refuses `c.origin.log1p()`; plain JavaScript would say that it is not a function. This way it says that
 * the method is for numbers.
 */
function refuseForeignMethods(): void {
  const methods = Object.entries(classes).flatMap(([kind, { prototype }]) =>
    methodsOf(prototype).map((name) => ({ name, kind })),
  );
  for (const [kind, { prototype }] of Object.entries(classes)) {
    for (const { name } of methods) {
      if (name in prototype) continue;
      const kinds = methods.filter((method) => method.name === name).map((method) => method.kind);
      const refuse = (): never => {
        throw projectErrors.PROJECT_WRONG_KIND.error(
          `${name}() is for a ${kinds.join(" or ")}, not for a ${kind}`,
          {
            details: { operation: name, kind },
            hint: `a ${kind} has ${methodsOf(prototype).join(", ") || "no methods"}`,
          },
        );
      };
      Object.defineProperty(prototype, name, { value: refuse, enumerable: false });
    }
  }
}

function methodsOf(prototype: object): string[] {
  const names: string[] = [];
  for (let at = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at).filter((name) => name !== "constructor"));
  }
  return names;
}
