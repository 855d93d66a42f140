import { featuresErrors } from "./errors.ts";
import { type CategoryLimits, type Expression, type ExpressionOf, weekdays } from "./expression.ts";
import { learnBounds } from "./lower-numbers.ts";
import {
  type Codes,
  category,
  type Lowered,
  type LoweredCategory,
  type Lowering,
  learnedValues,
  orNull,
  scalar,
  trainingOf,
} from "./lowered.ts";
import type { ValueId } from "./plan-builder.ts";
import { countCodes } from "./statistics.ts";
import { targetEncodingBlocks } from "./target-encoding.ts";
import { hashText } from "./text-hash.ts";
import { compareCodeUnits } from "./training-rows.ts";

/** @param from `place`: of the column among those of the plan */
export function lowerCategoryColumn(
  name: string,
  { lowering, place }: { readonly lowering: Lowering; readonly place: () => number },
): LoweredCategory {
  const { builder } = lowering;
  const texts = lowering.dictionaries.get(name) ?? [];
  const codes = (): Codes => {
    const slot = {
      read: "code",
      column: place(),
      dictionary: builder.dictionary(texts),
    } as const;
    return {
      id: builder.slot(slot),
      size: texts.length,
      label: (code) => texts[code]!,
      compare: (a, b) => compareCodeUnits(texts[a]!, texts[b]!),
    };
  };
  return {
    kind: "category",
    presence: () => codes().id,
    codes,
    hash: () => builder.slot({ read: "hash", column: place() }),
  };
}

export function lowerFilledCategory(
  expression: ExpressionOf<"fillMissing">,
  lowering: Lowering,
): LoweredCategory {
  const inner = category(lowering, expression.args[0]);
  const before = inner.codes();
  const constant = filledText(expression, lowering, before);
  const code = codesByLabel(before).get(constant)!;
  const codes = (): Codes => ({ ...before, id: lowering.builder.step("fill", [before.id], { value: code }) });
  return {
    kind: "category",
    presence: () => codes().id,
    codes,
    hash: () => lowering.builder.step("fill", [inner.hash()], { value: hashText(constant) }),
  };
}

function filledText(expression: ExpressionOf<"fillMissing">, lowering: Lowering, codes: Codes): string {
  const fill = expression.with;
  if (typeof fill === "object") return String(fill.constant);
  const [first] = keptCodes(codes, { maxCategories: 1, minCount: 1 }, { lowering, op: expression.op }).kept;
  if (first === undefined) {
    throw featuresErrors.FEATURES_CANNOT_FIT.error(`fillMissing("${fill}"): no training row has a category`, {
      details: { operation: "fillMissing" },
      hint: "fill with a constant, or leave the feature out",
    });
  }
  return codes.label(first.code);
}

/** Categories that are codes from the start and whose number is known. */
function coded(lowering: Lowering, codes: Codes): LoweredCategory {
  return {
    kind: "category",
    presence: () => codes.id,
    codes: () => codes,
    hash: () => lowering.builder.step("hashOfCode", [codes.id]),
  };
}

const byCode = (a: number, b: number): number => a - b;

export function lowerDayOfWeek(expression: ExpressionOf<"dayOfWeek">, lowering: Lowering): Lowered {
  const day = lowering.builder.step("dayNumber", [scalar(lowering, expression.args[0])]);
  const id = lowering.builder.step("dayOfWeek", [day]);
  return coded(lowering, { id, size: 7, label: (code) => weekdays[code]!, compare: byCode });
}

export function lowerBucketized(expression: ExpressionOf<"bucketized">, lowering: Lowering): Lowered {
  const { id, bounds } = learnBounds(expression, lowering);
  const label = (code: number): string => `[${bounds[code - 1] ?? ""},${bounds[code] ?? ""})`;
  return coded(lowering, { id, size: bounds.length + 1, label, compare: byCode });
}

export function lowerHashed(expression: ExpressionOf<"hashed">, lowering: Lowering): Lowered {
  const { buckets } = expression;
  const id = lowering.builder.step("hashBucket", [category(lowering, expression.args[0]).hash()], {
    buckets,
  });
  return coded(lowering, { id, size: buckets, label: (code) => `#${code}`, compare: byCode });
}

export function lowerLimited(expression: ExpressionOf<"limited">, lowering: Lowering): Lowered {
  const inner = category(lowering, expression.args[0]);
  return coded(lowering, limitedCodes(inner.codes(), expression, { lowering, op: expression.op }));
}

/** Only the kept categories, numbered without gaps in the order they had. */
export function limitedCodes(codes: Codes, limits: CategoryLimits, use: Use): Codes {
  const kept = keptCodes(codes, limits, use).kept.map(({ code }) => code);
  return renumbered(codes, kept, use.lowering);
}

function renumbered(codes: Codes, kept: readonly number[], lowering: Lowering): Codes {
  const rising = [...kept].sort(byCode);
  if (rising.length === codes.size) return codes;
  return {
    id: renumberingStep(codes, rising, lowering),
    size: rising.length,
    label: (code) => codes.label(rising[code]!),
    compare: (a, b) => codes.compare(rising[a]!, rising[b]!),
  };
}

function renumberingStep(codes: Codes, rising: readonly number[], lowering: Lowering): ValueId {
  if (isSparse(codes, rising)) {
    const constants = { keys: rising, codes: rising.map((_, place) => place) };
    return lowering.builder.step("codeOfKey", [codes.id], constants);
  }
  const values = new Array<number>(codes.size).fill(-1);
  for (const [place, code] of rising.entries()) values[code] = place;
  return lookup(lowering, codes.id, { values, unseen: -1, missing: Number.NaN });
}

/** Whether a table of all codes would be mostly empty. */
function isSparse(codes: Codes, kept: readonly unknown[]): boolean {
  return codes.size > 1024 && codes.size > 4 * kept.length;
}

export function lowerCross(expression: ExpressionOf<"cross">, lowering: Lowering): Lowered {
  const parts = expression.args.map((argument) => category(lowering, argument));
  const { builder } = lowering;
  const hash = (): ValueId =>
    parts.map((part) => part.hash()).reduce((left, right) => builder.step("mixedHash", [left, right]));
  let made: Codes | undefined;
  return {
    kind: "category",
    presence: hash,
    codes: () => {
      made ??= crossCodes(
        parts.map((part) => part.codes()),
        expression,
        lowering,
      );
      return made;
    },
    hash,
  };
}

function crossCodes(parts: readonly Codes[], expression: ExpressionOf<"cross">, lowering: Lowering): Codes {
  const combinations = parts.reduce((product, part) => product * Math.max(1, part.size), 1);
  if (!(combinations <= Number.MAX_SAFE_INTEGER)) {
    throw featuresErrors.FEATURES_TOO_LARGE.error(
      "cross(): there are more than 2^53 combinations of categories",
      {
        details: { operation: "cross" },
        hint: "limit the categories first, or hash the cross",
      },
    );
  }
  let key = parts[0]!.id;
  for (const part of parts.slice(1)) {
    key = lowering.builder.step("pairKey", [key, part.id], { width: Math.max(1, part.size) });
  }
  const counts = new Map<number, number>();
  for (const value of learnedValues(lowering, expression.op, key)) {
    if (value >= 0) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const partsOf = (combined: number): number[] => {
    let rest = combined;
    const codes = parts.map(() => 0);
    for (let at = parts.length - 1; at > 0; at--) {
      const width = Math.max(1, parts[at]!.size);
      codes[at] = rest % width;
      rest = Math.floor(rest / width);
    }
    codes[0] = rest;
    return codes;
  };
  const compareKeys = (a: number, b: number): number => {
    const left = partsOf(a);
    const right = partsOf(b);
    for (const [at, part] of parts.entries()) {
      const order = part.compare(left[at]!, right[at]!);
      if (order !== 0) return order;
    }
    return 0;
  };
  const kept = [...counts]
    .filter(([, count]) => count >= expression.minCount)
    .sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || compareKeys(a, b))
    .slice(0, expression.maxCategories)
    .map(([combined]) => combined);
  const rising = kept.map((combined, code) => ({ combined, code })).sort((a, b) => a.combined - b.combined);
  const id = lowering.builder.step("codeOfKey", [key], {
    keys: rising.map(({ combined }) => combined),
    codes: rising.map(({ code }) => code),
  });
  return {
    id,
    size: kept.length,
    label: (code) => JSON.stringify(partsOf(kept[code]!).map((part, at) => parts[at]!.label(part))),
    compare: (a, b) => compareKeys(kept[a]!, kept[b]!),
  };
}

/** Who asks, for the error when nothing may be learned. */
interface Use {
  readonly lowering: Lowering;
  readonly op: string;
}

interface Kept {
  /** The most frequent codes first. */
  readonly kept: readonly { readonly code: number; readonly count: number }[];
  /** Training rows with a value. */
  readonly present: number;
}

function keptCodes(codes: Codes, limits: CategoryLimits, { lowering, op }: Use): Kept {
  const values = learnedValues(lowering, op, codes.id);
  const { counts, missing } = countCodes(values, codes.size);
  const kept = counts
    .filter(([, count]) => count >= limits.minCount)
    .map(([code, count]) => ({ code, count }))
    .sort((a, b) => b.count - a.count || codes.compare(a.code, b.code))
    .slice(0, limits.maxCategories);
  return { kept, present: values.length - missing };
}

/** Codes of which few are unused, so that a table of all of them is no waste, and what is kept of them. */
function compactCodes(codes: Codes, limits: CategoryLimits, use: Use): Kept & { readonly codes: Codes } {
  const { kept, present } = keptCodes(codes, limits, use);
  if (!isSparse(codes, kept)) return { codes, kept, present };
  const few = renumbered(
    codes,
    kept.map(({ code }) => code),
    use.lowering,
  );
  const places = new Map([...kept].sort((a, b) => a.code - b.code).map(({ code }, place) => [code, place]));
  return { codes: few, kept: kept.map(({ code, count }) => ({ code: places.get(code)!, count })), present };
}

function lookup(
  lowering: Lowering,
  id: ValueId,
  table: { readonly values: readonly number[]; readonly unseen: number; readonly missing: number },
): ValueId {
  return lowering.builder.step("lookup", [id], {
    values: table.values.map(orNull),
    unseen: orNull(table.unseen),
    missing: orNull(table.missing),
  });
}

export function lowerOneHot(expression: ExpressionOf<"oneHot">, lowering: Lowering): Lowered {
  const inner = category(lowering, expression.args[0]).codes();
  const codes = limitedCodes(inner, expression, { lowering, op: expression.op });
  const labels = Array.from({ length: codes.size }, (_, code) => codes.label(code));
  return { kind: "vector", outputAs: (name) => ({ kind: "oneHot", name, labels, value: codes.id }) };
}

export function lowerFrequencyEncoded(
  expression: ExpressionOf<"frequencyEncoded">,
  lowering: Lowering,
): Lowered {
  const inner = category(lowering, expression.args[0]).codes();
  const { codes, kept, present } = compactCodes(inner, expression, { lowering, op: expression.op });
  const values = new Array<number>(codes.size).fill(0);
  for (const { code, count } of kept) values[code] = count / present;
  return { kind: "number", id: lookup(lowering, codes.id, { values, unseen: 0, missing: Number.NaN }) };
}

export function lowerOrdinal(expression: ExpressionOf<"ordinal">, lowering: Lowering): Lowered {
  const inner = category(lowering, expression.args[0]).codes();
  const { codes, order } = orderOf(expression, inner, lowering);
  const values = new Array<number>(codes.size).fill(Number.NaN);
  for (const [place, code] of order.entries()) values[code] = place;
  const id = lookup(lowering, codes.id, { values, unseen: Number.NaN, missing: Number.NaN });
  return { kind: "number", id };
}

function orderOf(
  expression: ExpressionOf<"ordinal">,
  inner: Codes,
  lowering: Lowering,
): { readonly codes: Codes; readonly order: readonly number[] } {
  if (expression.order !== undefined) {
    const byLabel = codesByLabel(inner);
    const order = expression.order.map((label) => byLabel.get(label) ?? unknownLabel(expression.op, label));
    return { codes: inner, order };
  }
  const { codes, kept } = compactCodes(inner, expression, { lowering, op: expression.op });
  return { codes, order: kept.map(({ code }) => code).sort(codes.compare) };
}

export function lowerTargetEncoded(expression: ExpressionOf<"targetEncoded">, lowering: Lowering): Lowered {
  const rows = trainingOf(lowering, expression.op);
  if (rows.target === undefined) {
    throw featuresErrors.FEATURES_CANNOT_FIT.error(
      "targetEncoded(): there is no target that is a number or yes/no",
      {
        details: { operation: expression.op },
      },
    );
  }
  const inner = category(lowering, expression.args[0]).codes();
  const { codes, kept } = compactCodes(inner, expression, { lowering, op: expression.op });
  const values = learnedValues(lowering, expression.op, codes.id);
  const isKept = new Array<boolean>(codes.size).fill(false);
  for (const { code } of kept) isKept[code] = true;
  const { target, weights, folds } = rows;
  const blocks = targetEncodingBlocks(
    { codes: values, target, weights, folds },
    isKept,
    expression.smoothing,
  );
  const fold = lowering.builder.slot({ read: "fold" });
  return { kind: "number", id: lowering.builder.step("lookupByFold", [codes.id, fold], { blocks }) };
}

export function lowerIs(expression: ExpressionOf<"is">, lowering: Lowering): Lowered {
  const codes = category(lowering, expression.args[0]).codes();
  const code = codesByLabel(codes).get(expression.value) ?? unknownLabel(expression.op, expression.value);
  return { kind: "flag", id: lowering.builder.step("codeIs", [codes.id], { value: code }) };
}

export function lowerIsOneOf(expression: ExpressionOf<"isOneOf">, lowering: Lowering): Lowered {
  const codes = category(lowering, expression.args[0]).codes();
  const byLabel = codesByLabel(codes);
  const values = new Array<number>(codes.size).fill(0);
  for (const label of expression.values) values[byLabel.get(label) ?? unknownLabel(expression.op, label)] = 1;
  return { kind: "flag", id: lookup(lowering, codes.id, { values, unseen: 0, missing: Number.NaN }) };
}

/** Columns have a code for every text the project writes; only weekdays can lack one. */
function unknownLabel(op: string, label: string): never {
  throw featuresErrors.FEATURES_BAD_EXPRESSION.error(
    `${op}(): ${JSON.stringify(label)} is not a day of the week`,
    { details: { operation: op }, hint: weekdays.join(", ") },
  );
}

function codesByLabel(codes: Codes): ReadonlyMap<string, number> {
  return new Map(Array.from({ length: codes.size }, (_, code) => [codes.label(code), code]));
}

/** How a category looks as a feature of its own: its codes, unseen ones missing. */
export function nativeCategory(
  expression: Expression,
  limits: CategoryLimits,
  lowering: Lowering,
): { id: ValueId; cardinality: number } {
  const inner = category(lowering, expression).codes();
  const isOpen = expression.op === "column" || expression.op === "fillMissing" || expression.op === "cross";
  const codes = isOpen ? limitedCodes(inner, limits, { lowering, op: expression.op }) : inner;
  const id = lowering.builder.step("codeOrMissing", [codes.id]);
  return { id, cardinality: Math.max(1, codes.size) };
}
