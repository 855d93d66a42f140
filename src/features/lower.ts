import { type ColumnType, canonicalJson } from "../kernel/index.ts";
import { customColumns } from "./custom/custom-column.ts";
import { derivedColumns } from "./derived-columns.ts";
import { nativeLimits, planDictionaries } from "./dictionaries.ts";
import { type Expression, type ExpressionOf, kindOfColumn, type Op } from "./expression.ts";
import {
  lowerBucketized,
  lowerCategoryColumn,
  lowerCross,
  lowerDayOfWeek,
  lowerFilledCategory,
  lowerFrequencyEncoded,
  lowerHashed,
  lowerIs,
  lowerIsOneOf,
  lowerLimited,
  lowerOneHot,
  lowerOrdinal,
  lowerTargetEncoded,
  nativeCategory,
} from "./lower-categories.ts";
import {
  direct,
  lowerClip,
  lowerConstant,
  lowerConstantTime,
  lowerDatePart,
  lowerFilledScalar,
  lowerIsMissing,
  lowerRound,
  lowerStandardized,
  lowerTextCount,
  lowerWordsHashed,
} from "./lower-numbers.ts";
import type { Lowered, Lowering } from "./lowered.ts";
import type { PlanOutput } from "./plan.ts";
import { createPlanBuilder, type PlanBuilder } from "./plan-builder.ts";
import type { TrainingRows } from "./training-rows.ts";

/** How each operation becomes steps of the plan; what it learns, it learns here. */
const lowerings = {
  column: lowerColumn,
  constant: lowerConstant,
  constantTime: lowerConstantTime,
  add: direct("number"),
  subtract: direct("number"),
  multiply: direct("number"),
  divide: direct("number"),
  minimum: direct("number"),
  maximum: direct("number"),
  negate: direct("number"),
  absolute: direct("number"),
  log: direct("number"),
  log1p: direct("number"),
  squareRoot: direct("number"),
  clip: lowerClip,
  round: lowerRound,
  above: direct("flag"),
  atLeast: direct("flag"),
  below: direct("flag"),
  atMost: direct("flag"),
  equals: direct("flag"),
  between: direct("flag"),
  when: direct("number"),
  and: direct("flag"),
  or: direct("flag"),
  not: direct("flag"),
  is: lowerIs,
  isOneOf: lowerIsOneOf,
  isMissing: lowerIsMissing,
  missingIndicator: lowerIsMissing,
  year: lowerDatePart,
  month: lowerDatePart,
  dayOfMonth: lowerDatePart,
  dayOfWeek: lowerDayOfWeek,
  dayOfYear: lowerDatePart,
  hourOfDay: lowerDatePart,
  minuteOfHour: lowerDatePart,
  hoursSince: direct("number"),
  daysSince: direct("number"),
  fillMissing: lowerFillMissing,
  bucketized: lowerBucketized,
  standardized: lowerStandardized,
  limited: lowerLimited,
  oneHot: lowerOneHot,
  ordinal: lowerOrdinal,
  frequencyEncoded: lowerFrequencyEncoded,
  targetEncoded: lowerTargetEncoded,
  cross: lowerCross,
  hashed: lowerHashed,
  length: lowerTextCount,
  wordCount: lowerTextCount,
  wordsHashed: lowerWordsHashed,
  window: lowerWindow,
  custom: lowerCustom,
} as const satisfies {
  readonly [Name in Op]: (expression: ExpressionOf<Name>, lowering: Lowering) => Lowered;
};

export interface LoweringRequest {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly optional: readonly string[];
  /** The checked expressions that will be lowered. */
  readonly expressions: readonly Expression[];
  readonly training: TrainingRows | undefined;
}

/** Lowers checked expressions into one plan, each distinct one once. */
export function createLowering(request: LoweringRequest): Lowering {
  const { columns, training } = request;
  const builder: PlanBuilder = createPlanBuilder(columns, request.optional);
  const derived = derivedColumns(request.expressions, columns);
  const custom = customColumns(request.expressions, columns);
  const done = new Map<string, Lowered>();
  const lowering: Lowering = {
    builder,
    columns,
    training,
    derived: new Map(derived.map((column) => [canonicalJson(column.from), column])),
    custom,
    dictionaries: planDictionaries(request.expressions, { types: columns, custom }, training),
    lower: (expression) => {
      const key = canonicalJson(expression);
      let lowered = done.get(key);
      if (lowered === undefined) {
        const lower = lowerings[expression.op] as (expression: Expression, lowering: Lowering) => Lowered;
        lowered = lower(expression, lowering);
        done.set(key, lowered);
      }
      return lowered;
    },
  };
  return lowering;
}

/** The output of a feature: numbers and flags as they are, categories as codes, vectors as several columns. */
export function lowerFeature(name: string, expression: Expression, lowering: Lowering): PlanOutput {
  const lowered = lowering.lower(expression);
  switch (lowered.kind) {
    case "number":
    case "flag":
      return { kind: "numeric", name, value: lowered.id };
    case "category": {
      const { id, cardinality } = nativeCategory(expression, nativeLimits, lowering);
      return { kind: "categorical", name, cardinality, value: id };
    }
    case "vector":
      return lowered.outputAs(name);
    default:
      throw new Error(`unreachable: a ${lowered.kind} was checked not to be a feature`);
  }
}

function lowerColumn(expression: ExpressionOf<"column">, lowering: Lowering): Lowered {
  const { builder, columns } = lowering;
  const kind = kindOfColumn[columns[expression.name]!];
  switch (kind) {
    case "category":
      return lowerCategoryColumn(expression.name, { lowering, place: () => builder.column(expression.name) });
    case "text":
      return { kind, column: builder.column(expression.name) };
    default:
      return { kind, id: builder.slot({ read: "number", column: builder.column(expression.name) }) };
  }
}

function lowerWindow({ window, statistic }: ExpressionOf<"window">, { builder, derived }: Lowering): Lowered {
  const column = derived.get(canonicalJson({ kind: "window", window, statistic }))!;
  return { kind: "number", id: builder.slot({ read: "derived", derived: builder.derived(column) }) };
}

function lowerCustom(expression: ExpressionOf<"custom">, lowering: Lowering): Lowered {
  const { builder } = lowering;
  const column = lowering.custom.get(canonicalJson(expression))!;
  const place = (): number => builder.custom(column);
  if (expression.returns === "category") return lowerCategoryColumn(column.name, { lowering, place });
  return { kind: expression.returns, id: builder.slot({ read: "number", column: place() }) };
}

function lowerFillMissing(expression: ExpressionOf<"fillMissing">, lowering: Lowering): Lowered {
  return lowering.lower(expression.args[0]).kind === "category"
    ? lowerFilledCategory(expression, lowering)
    : lowerFilledScalar(expression, lowering);
}
