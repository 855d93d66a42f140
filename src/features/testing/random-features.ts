import fc, { type Arbitrary } from "fast-check";
import type { ColumnType, Table, TableColumn } from "../../kernel/index.ts";
import type { CategoryLimits, Expression, ExpressionOf, FeatureSpec, Op } from "../expression.ts";

/** Columns of every type under names that try to escape into code or into prototypes. */
export const hostileColumns = {
  distance: "int",
  __proto__x: "float",
  constructor: "float",
  'a"];throw new Error("escaped");//': "int",
  "I[0]": "bool",
  "line\u2028separator": "timestamp",
  toString: "category",
  "weird name \\ ${S}": "category",
  hasOwnProperty: "text",
} as const satisfies Record<string, ColumnType>;

/** With one more that an object literal cannot hold. */
export const columns: Readonly<Record<string, ColumnType>> = Object.fromEntries([
  ...Object.entries(hostileColumns),
  ["__proto__", "category"],
]);

const namesOf = (type: ColumnType): string[] => Object.keys(columns).filter((name) => columns[name] === type);

const numbers = fc.oneof(
  { weight: 4, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 4, arbitrary: fc.integer({ min: -50, max: 50 }) },
  fc.constantFrom(Number.NaN, 0, -0, 1, -1, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 2 ** 53),
);
const integers = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -20, max: 20 }) },
  fc.constantFrom(Number.NaN, -0, 2 ** 53, -(2 ** 62), 1e300),
);
const times = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }) },
  fc.double({ min: -1e13, max: 1e13, noNaN: true }),
  fc.constantFrom(Number.NaN, -0, 8.64e15, -8.64e15, 1e300),
);
export const texts = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("ATL", "ORD", "JFK", "LAX", "") },
  fc.constantFrom(
    "__proto__",
    "constructor",
    "\ud800",
    "x\udc00y",
    "\ufffd",
    "é Ü ß",
    "日本 語",
    "🙂🙂",
    "a=b",
    "v0",
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
);

/** A table of all columns: numbers as they come, texts with missing ones, dictionaries with entries nobody uses. */
export function tables(rows: { readonly min: number; readonly max: number }): Arbitrary<Table> {
  return fc.integer(rows).chain((rowCount) => {
    const list = <Item>(item: Arbitrary<Item>): Arbitrary<Item[]> =>
      fc.array(item, { minLength: rowCount, maxLength: rowCount });
    const numeric = (values: Arbitrary<number>): Arbitrary<TableColumn> =>
      list(values).map((given) => ({ kind: "number", values: Float64Array.from(given) }));
    const columnOf: Record<ColumnType, Arbitrary<TableColumn>> = {
      int: numeric(integers),
      float: numeric(numbers),
      bool: numeric(fc.constantFrom(0, 1, Number.NaN)),
      timestamp: numeric(times),
      category: list(fc.option(texts)).map(stringColumn),
      text: list(fc.option(texts)).map(stringColumn),
    };
    const names = Object.keys(columns);
    return fc
      .tuple(...names.map((name) => columnOf[columns[name]!]))
      .map((given): Table => ({ rowCount, columns: new Map(names.map((name, at) => [name, given[at]!])) }));
  });
}

export function stringColumn(values: readonly (string | null)[]): TableColumn {
  const dictionary = ["unused", ...new Set(values.filter((value) => value !== null))];
  const unique = [...new Set(dictionary)];
  return {
    kind: "string",
    codes: Int32Array.from(values, (value) => (value === null ? -1 : unique.indexOf(value))),
    dictionary: unique,
  };
}

/** What a client would send for a row. JSON has neither NaN nor infinities: such values are null. */
export function recordOf(table: Table, row: number): Record<string, unknown> {
  const entries = [...table.columns].map(([name, column]) => {
    if (column.kind === "string") return [name, column.dictionary[column.codes[row]!] ?? null];
    const value = column.values[row]!;
    if (!Number.isFinite(value)) return [name, null];
    return [name, columns[name] === "bool" ? value === 1 : value];
  });
  return Object.fromEntries(entries);
}

/** Windows have tests of their own: they need a past. */
type RowOp = Exclude<Op, "window">;
type ByOp = { readonly [Name in RowOp]: Arbitrary<ExpressionOf<Name>> };
type Kinds = Record<"number" | "flag" | "category" | "time" | "text" | "named", Expression>;

const wellFormed = texts.map((text) => text.toWellFormed());
const limits: Arbitrary<CategoryLimits> = fc.record({
  maxCategories: fc.integer({ min: 1, max: 6 }),
  minCount: fc.integer({ min: 1, max: 3 }),
});
const column = (type: ColumnType): Arbitrary<ExpressionOf<"column">> =>
  fc.constantFrom(...namesOf(type)).map((name) => ({ op: "column", name }));
const finite = fc.oneof(
  fc.integer({ min: -30, max: 30 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(-0),
);

const custom = (returns: "number" | "flag" | "category"): Arbitrary<ExpressionOf<"custom">> =>
  fc.array(fc.constantFrom(...Object.keys(columns)), { minLength: 1, maxLength: 3 }).map((names) => ({
    op: "custom",
    function: returns,
    returns,
    args: names.map((name) => ({ op: "column", name })),
  }));

/** Every operation; leaving one out of the table does not compile. */
const { kinds, operations } = build();

function build(): { kinds: { [Kind in keyof Kinds]: Arbitrary<Kinds[Kind]> }; operations: ByOp } {
  let made: ByOp | undefined;
  const kinds = fc.letrec<Kinds>((tie) => {
    const number = tie("number") as Arbitrary<Expression>;
    const flag = tie("flag") as Arbitrary<Expression>;
    const category = tie("category") as Arbitrary<Expression>;
    const time = tie("time") as Arbitrary<Expression>;
    const text = tie("text") as Arbitrary<Expression>;
    const named = tie("named") as Arbitrary<Expression>;
    const op = <Name extends Op>(
      name: Name,
      args: readonly Arbitrary<Expression>[],
      options: Arbitrary<object> = fc.constant({}),
    ): Arbitrary<ExpressionOf<Name>> =>
      fc.tuple(fc.tuple(...args), options).map(([given, rest]) => {
        const expression: unknown = { op: name, args: given, ...rest };
        return expression as ExpressionOf<Name>;
      });
    const byOp: ByOp = {
      column: fc.oneof(column("int"), column("float")),
      constant: fc.option(finite).map((value) => ({ op: "constant", value })),
      constantTime: fc
        .constantFrom("2001-05-01", "1969-12-31T23:59:59.999Z")
        .map((iso) => ({ op: "constantTime", time: iso })),
      add: op("add", [number, number]),
      subtract: op("subtract", [number, number]),
      multiply: op("multiply", [number, number]),
      divide: op("divide", [number, number]),
      minimum: op("minimum", [number, number]),
      maximum: op("maximum", [number, number]),
      negate: op("negate", [number]),
      absolute: op("absolute", [number]),
      log: op("log", [number]),
      log1p: op("log1p", [number]),
      squareRoot: op("squareRoot", [number]),
      clip: op("clip", [number], fc.constantFrom({ low: -0 }, { high: 3 }, { low: -1, high: 1 })),
      round: op("round", [number], fc.record({ digits: fc.integer({ min: -12, max: 12 }) })),
      above: op("above", [number, number]),
      atLeast: op("atLeast", [number, number]),
      below: op("below", [number, number]),
      atMost: op("atMost", [number, number]),
      equals: op("equals", [number, number]),
      between: op("between", [number, number, number]),
      when: op("when", [flag, number, number]),
      and: op("and", [flag, flag]),
      or: op("or", [flag, flag]),
      not: op("not", [flag]),
      is: op("is", [named], fc.record({ value: wellFormed })),
      isOneOf: op(
        "isOneOf",
        [named],
        fc.record({ values: fc.uniqueArray(wellFormed, { minLength: 1, maxLength: 3 }) }),
      ),
      isMissing: op("isMissing", [fc.oneof(number, category, flag, time, text)]),
      missingIndicator: op("missingIndicator", [fc.oneof(number, category, flag, time, text)]),
      year: op("year", [time]),
      month: op("month", [time]),
      dayOfMonth: op("dayOfMonth", [time]),
      dayOfWeek: op("dayOfWeek", [time]),
      dayOfYear: op("dayOfYear", [time]),
      hourOfDay: op("hourOfDay", [time]),
      minuteOfHour: op("minuteOfHour", [time]),
      hoursSince: op("hoursSince", [time, time]),
      daysSince: op("daysSince", [time, time]),
      fillMissing: op(
        "fillMissing",
        [number],
        fc.record({
          with: fc.oneof(fc.constantFrom("mean", "median", "mostFrequent"), fc.record({ constant: finite })),
        }),
      ),
      bucketized: op("bucketized", [number], fc.record({ buckets: fc.integer({ min: 2, max: 12 }) })),
      standardized: op("standardized", [number]),
      limited: op("limited", [category], limits),
      oneHot: op("oneHot", [category], limits),
      ordinal: fc.oneof(
        op("ordinal", [category], limits),
        op(
          "ordinal",
          [column("category")],
          fc.record({
            maxCategories: fc.constant(5),
            minCount: fc.constant(1),
            order: fc.uniqueArray(wellFormed, { minLength: 1, maxLength: 4 }),
          }),
        ),
      ),
      frequencyEncoded: op("frequencyEncoded", [category], limits),
      targetEncoded: op(
        "targetEncoded",
        [category],
        fc
          .tuple(limits, fc.integer({ min: 0, max: 50 }))
          .map(([limit, smoothing]) => ({ ...limit, smoothing })),
      ),
      cross: fc.oneof(
        op("cross", [category, category], limits),
        op("cross", [category, category, category], limits),
      ),
      hashed: op("hashed", [category], fc.record({ buckets: fc.constantFrom(2, 7, 4096, 16_777_216) })),
      length: op("length", [text]),
      wordCount: op("wordCount", [text]),
      wordsHashed: op("wordsHashed", [text], fc.record({ buckets: fc.integer({ min: 2, max: 9 }) })),
      custom: fc.constantFrom("number", "flag", "category").chain(custom),
    };
    made = byOp;
    const filledFlag = op(
      "fillMissing",
      [column("bool")],
      fc.constantFrom({ with: "mostFrequent" }, { with: { constant: true } }),
    );
    const filledCategory = op(
      "fillMissing",
      [column("category")],
      fc.oneof(
        fc.constant({ with: "mostFrequent" }),
        fc.record({ with: fc.record({ constant: wellFormed }) }),
      ),
    );
    const deep = { depthSize: "small", withCrossShrink: true } as const;
    return {
      number: fc.oneof(
        deep,
        byOp.column,
        byOp.constant,
        byOp.add,
        byOp.subtract,
        byOp.multiply,
        byOp.divide,
        byOp.minimum,
        byOp.maximum,
        byOp.negate,
        byOp.absolute,
        byOp.log,
        byOp.log1p,
        byOp.squareRoot,
        byOp.clip,
        byOp.round,
        byOp.when,
        byOp.missingIndicator,
        byOp.year,
        byOp.month,
        byOp.dayOfMonth,
        byOp.dayOfYear,
        byOp.hourOfDay,
        byOp.minuteOfHour,
        byOp.hoursSince,
        byOp.daysSince,
        byOp.fillMissing,
        byOp.standardized,
        byOp.ordinal,
        byOp.frequencyEncoded,
        byOp.targetEncoded,
        byOp.length,
        byOp.wordCount,
        custom("number"),
      ),
      flag: fc.oneof(
        deep,
        column("bool"),
        byOp.above,
        byOp.atLeast,
        byOp.below,
        byOp.atMost,
        byOp.equals,
        byOp.between,
        byOp.and,
        byOp.or,
        byOp.not,
        byOp.is,
        byOp.isOneOf,
        byOp.isMissing,
        filledFlag,
        custom("flag"),
      ),
      category: fc.oneof(
        deep,
        column("category"),
        byOp.dayOfWeek,
        byOp.bucketized,
        byOp.limited,
        byOp.cross,
        byOp.hashed,
        filledCategory,
        custom("category"),
      ),
      time: fc.oneof(column("timestamp"), byOp.constantTime),
      text: column("text"),
      named: fc.oneof(column("category"), filledCategory, custom("category")),
    };
  });
  return { kinds, operations: made! };
}

/** Up to six features of any kind and depth. */
export const featureSpecs: Arbitrary<FeatureSpec> = fc
  .dictionary(
    fc.constantFrom("a", "b", "c", "d", "e", "f"),
    fc.oneof(kinds.number, kinds.flag, kinds.category, operations.oneHot, operations.wordsHashed),
    { minKeys: 1, maxKeys: 6, noNullPrototype: true },
  )
  .map((features) => ({ columns, features }));

/** One feature of one operation, whatever lies below it. */
export function featureOf(op: RowOp): Arbitrary<Expression> {
  return operations[op];
}
