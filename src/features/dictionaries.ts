import { type ColumnType, canonicalJson } from "../kernel/index.ts";
import type { NamedCustomColumn } from "./custom/custom-column.ts";
import type { ColumnExpression, CustomExpression, Expression } from "./expression.ts";
import { compareCodeUnits, countTexts, type TrainingRows } from "./training-rows.ts";

/** A category used directly keeps so many of its categories. */
export const nativeLimits = { maxCategories: 1000, minCount: 1 } as const;

/** The columns of a record, and those that custom functions make of them. */
interface Columns {
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly custom: ReadonlyMap<string, NamedCustomColumn>;
}

interface Collected {
  readonly needs: Map<string, Need>;
  readonly columns: Columns;
}

function isCategory(name: string, { types, custom }: Columns): boolean {
  if (Object.hasOwn(types, name)) return types[name] === "category";
  return [...custom.values()].some((column) => column.name === name && column.type === "category");
}

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
  columns: Columns,
  rows: TrainingRows | undefined,
): ReadonlyMap<string, readonly string[]> {
  const needs = new Map<string, Need>();
  for (const feature of features) collect(feature, nativeLimits.maxCategories, { needs, columns });
  const dictionaries = new Map<string, readonly string[]>();
  for (const [column, need] of needs) {
    if (!isCategory(column, columns)) continue;
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
function collect(expression: Expression, kept: number, into: Collected): void {
  switch (expression.op) {
    case "column":
    case "custom": {
      const need = needOf(expression, into);
      need.mostFrequent = Math.max(need.mostFrequent, kept);
      break;
    }
    case "constant":
    case "constantTime":
    case "window":
      break;
    default:
      for (const text of writtenTexts(expression)) write(expression.args[0]!, text, into);
      for (const argument of expression.args) collect(argument, keptOfArguments(expression, kept), into);
  }
}

type Operation = Exclude<
  Expression,
  { readonly op: "column" | "custom" | "constant" | "constantTime" | "window" }
>;

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

function write(expression: Expression, text: string, into: Collected): void {
  if (expression.op === "fillMissing") write(expression.args[0], text, into);
  else if (expression.op === "column" || expression.op === "custom")
    needOf(expression, into).written.add(text);
}

function needOf(expression: ColumnExpression | CustomExpression, { needs, columns }: Collected): Need {
  const column =
    expression.op === "column" ? expression.name : columns.custom.get(canonicalJson(expression))!.name;
  let need = needs.get(column);
  if (need === undefined) {
    need = { mostFrequent: 0, written: new Set() };
    needs.set(column, need);
  }
  return need;
}
