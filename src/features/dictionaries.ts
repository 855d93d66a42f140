import type { ColumnType } from "../kernel/index.ts";
import type { Expression } from "./expression.ts";
import { compareCodeUnits, countTexts, type TrainingRows } from "./training-rows.ts";

/** A category used directly keeps so many of its categories. */
export const nativeLimits = { maxCategories: 1000, minCount: 1 } as const;

/** Which texts of a category column have to have a code. */
interface Need {
  /** So many of the most frequent ones. */
  mostFrequent: number;
  /** Those that are written in the project. */
  readonly written: Set<string>;
}

/**
 * One dictionary for each category column that is used by code, whatever the number of its uses: the most frequent
 * texts that some use keeps, then the written ones that are not among them.
 */
export function planDictionaries(
  features: readonly Expression[],
  columns: Readonly<Record<string, ColumnType>>,
  rows: TrainingRows | undefined,
): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, Need>();
  for (const feature of features) collect(feature, nativeLimits.maxCategories, needs);
  const dictionaries = new Map<string, readonly string[]>();
  for (const [column, need] of needs) {
    if (columns[column] !== "category") continue;
    const frequent =
      rows === undefined || need.mostFrequent === 0
        ? []
        : countTexts(rows.table, column)
            .slice(0, need.mostFrequent)
            .map(({ text }) => text);
    const known = new Set(frequent);
    const written = [...need.written].filter((text) => !known.has(text)).sort(compareCodeUnits);
    dictionaries.set(column, [...frequent, ...written]);
  }
  return dictionaries;
}

/** @param kept how many categories of `expression` its user keeps at most */
function collect(expression: Expression, kept: number, needs: Map<string, Need>): void {
  switch (expression.op) {
    case "column": {
      const need = needOf(expression.name, needs);
      need.mostFrequent = Math.max(need.mostFrequent, kept);
      break;
    }
    case "constant":
    case "constantTime":
    case "window":
      break;
    default:
      for (const text of writtenTexts(expression)) write(expression.args[0]!, text, needs);
      for (const argument of expression.args) collect(argument, keptOfArguments(expression, kept), needs);
  }
}

type Operation = Exclude<Expression, { readonly op: "column" | "constant" | "constantTime" | "window" }>;

/** The texts an operation compares its argument with. */
function writtenTexts(expression: Operation): readonly string[] {
  switch (expression.op) {
    case "fillMissing": {
      const fill = expression.with;
      return typeof fill === "object" && typeof fill.constant === "string" ? [fill.constant] : [];
    }
    case "is":
      return [expression.value];
    case "isOneOf":
      return expression.values;
    case "ordinal":
      return expression.order ?? [];
    default:
      return [];
  }
}

/** How many categories of its arguments an operation keeps, when so many are kept of its own. */
function keptOfArguments(expression: Operation, kept: number): number {
  switch (expression.op) {
    case "fillMissing":
      return expression.with === "mostFrequent" ? kept + 1 : kept;
    case "ordinal":
      return expression.order === undefined ? expression.maxCategories : 0;
    case "limited":
    case "oneHot":
    case "frequencyEncoded":
    case "targetEncoded":
      return expression.maxCategories;
    case "cross":
      // A cross whose own categories are not asked for is read by hash.
      return kept === 0 ? 0 : expression.maxCategories;
    default:
      return 0;
  }
}

function write(expression: Expression, text: string, needs: Map<string, Need>): void {
  if (expression.op === "fillMissing") write(expression.args[0], text, needs);
  else if (expression.op === "column") needOf(expression.name, needs).written.add(text);
}

function needOf(column: string, needs: Map<string, Need>): Need {
  let need = needs.get(column);
  if (need === undefined) {
    need = { mostFrequent: 0, written: new Set() };
    needs.set(column, need);
  }
  return need;
}
