import { parseIsoTime } from "../kernel/index.ts";
import { featuresErrors } from "./errors.ts";
import type { DatePartOp, Expression, ExpressionOf, Op } from "./expression.ts";
import type { InstructionName } from "./instructions.ts";
import { imageSlot } from "./lower-images.ts";
import { type Lowered, type Lowering, learnedValues, scalar, text } from "./lowered.ts";
import type { ValueId } from "./plan-builder.ts";
import { medianOf, momentsOf, mostFrequentOf, quantileBounds, sortedValues } from "./statistics.ts";

/** Operations whose arguments and result are one number a row and that have a primitive of their own name. */
export function direct<Name extends Op & InstructionName>(kind: "number" | "flag") {
  return (expression: ExpressionOf<Name>, lowering: Lowering): Lowered => {
    const args = "args" in expression ? expression.args : [];
    return { kind, id: lowering.builder.step(expression.op as Name, scalars(lowering, args)) };
  };
}

function scalars(lowering: Lowering, args: readonly Expression[]): ValueId[] {
  return args.map((argument) => scalar(lowering, argument));
}

export function lowerConstant(expression: ExpressionOf<"constant">, { builder }: Lowering): Lowered {
  const value = expression.value === null ? null : expression.value + 0;
  return { kind: "number", id: builder.step("constant", [], { value }) };
}

export function lowerConstantTime(expression: ExpressionOf<"constantTime">, { builder }: Lowering): Lowered {
  return { kind: "time", id: builder.step("constant", [], { value: parseIsoTime(expression.time) + 0 }) };
}

/** The day and its date are steps of their own, so that all parts of one time share them. */
export function lowerDatePart(
  expression: ExpressionOf<Exclude<DatePartOp, "dayOfWeek">>,
  lowering: Lowering,
): Lowered {
  const { builder } = lowering;
  const { op } = expression;
  const ms = scalar(lowering, expression.args[0]);
  const day = builder.step("dayNumber", [ms]);
  const number = (args: readonly ValueId[]): Lowered => ({ kind: "number", id: builder.step(op, args) });
  if (op === "hourOfDay" || op === "minuteOfHour") return number([ms, day]);
  return number([builder.step("civilDate", [day])]);
}

export function lowerClip(expression: ExpressionOf<"clip">, lowering: Lowering): Lowered {
  const { low, high } = expression;
  const limits = {
    ...(low === undefined ? {} : { low: low + 0 }),
    ...(high === undefined ? {} : { high: high + 0 }),
  };
  return { kind: "number", id: lowering.builder.step("clip", scalars(lowering, expression.args), limits) };
}

export function lowerRound(expression: ExpressionOf<"round">, lowering: Lowering): Lowered {
  const { digits } = expression;
  // Written out because computed powers may differ in the last bit.
  const power = Number(`1e${Math.abs(digits)}`);
  const id = lowering.builder.step("round", scalars(lowering, expression.args), {
    power,
    coarse: digits < 0,
  });
  return { kind: "number", id };
}

export function lowerIsMissing(
  expression: ExpressionOf<"isMissing" | "missingIndicator">,
  lowering: Lowering,
): Lowered {
  const [argument] = expression.args;
  const lowered = lowering.lower(argument);
  const id = presenceOf(lowered, lowering) ?? scalar(lowering, argument);
  return {
    kind: expression.op === "isMissing" ? "flag" : "number",
    id: lowering.builder.step("isMissing", [id]),
  };
}

/** A value that is NaN exactly where a category, text or image is missing. */
function presenceOf(lowered: Lowered, lowering: Lowering): ValueId | undefined {
  switch (lowered.kind) {
    case "category":
      return lowered.presence();
    case "text":
      return lowering.builder.slot({ read: "length", column: lowered.column });
    case "image":
      return imageSlot(lowering, lowered.column, { fact: "bytes" });
    default:
      return undefined;
  }
}

export function lowerTextCount(
  expression: ExpressionOf<"length" | "wordCount">,
  lowering: Lowering,
): Lowered {
  const { column } = text(lowering, expression.args[0]);
  return { kind: "number", id: lowering.builder.slot({ read: expression.op, column }) };
}

export function lowerWordsHashed(expression: ExpressionOf<"wordsHashed">, lowering: Lowering): Lowered {
  const { column } = text(lowering, expression.args[0]);
  const value = lowering.builder.slot({ read: "words", column, buckets: expression.buckets });
  return { kind: "vector", outputsAs: (name) => [{ kind: "words", name, value }] };
}

export function lowerStandardized(expression: ExpressionOf<"standardized">, lowering: Lowering): Lowered {
  const id = scalar(lowering, expression.args[0]);
  const { mean, deviation } = momentsOf(learnedValues(lowering, expression.op, id));
  return { kind: "number", id: lowering.builder.step("standardized", [id], { mean, deviation }) };
}

/** The bounds of buckets, which `lowerBucketized` of the categories makes into a category. */
export function learnBounds(
  expression: ExpressionOf<"bucketized">,
  lowering: Lowering,
): { id: ValueId; bounds: number[] } {
  const value = scalar(lowering, expression.args[0]);
  const sorted = sortedValues(learnedValues(lowering, expression.op, value));
  const bounds = sorted.length === 0 ? [] : quantileBounds(sorted, expression.buckets);
  return { id: lowering.builder.step("bucket", [value], { bounds }), bounds };
}

/** Numbers and flags; categories are filled where their codes are made. */
export function lowerFilledScalar(expression: ExpressionOf<"fillMissing">, lowering: Lowering): Lowered {
  const argument = lowering.lower(expression.args[0]);
  if (argument.kind !== "number" && argument.kind !== "flag") {
    throw new Error("unreachable: only numbers, flags and categories are filled");
  }
  const value = substitute(expression, lowering, argument.id);
  return { kind: argument.kind, id: lowering.builder.step("fill", [argument.id], { value }) };
}

function substitute(expression: ExpressionOf<"fillMissing">, lowering: Lowering, id: ValueId): number {
  const fill = expression.with;
  if (typeof fill === "object") return Number(fill.constant) + 0;
  const values = learnedValues(lowering, expression.op, id);
  const moments = fill === "mean" ? momentsOf(values) : undefined;
  const sorted = moments === undefined ? sortedValues(values) : undefined;
  if (moments?.count === 0 || sorted?.length === 0) {
    throw featuresErrors.FEATURES_CANNOT_FIT.error(
      `fillMissing("${fill}"): no training row has a value to learn from`,
      { details: { operation: "fillMissing" }, hint: "fill with a constant, or leave the feature out" },
    );
  }
  if (moments !== undefined) return moments.mean;
  return fill === "median" ? medianOf(sorted!) : mostFrequentOf(sorted!);
}
