import { assertNever, type ColumnType, canonicalJson } from "../kernel/index.ts";
import type { Derivation, DerivedColumn } from "./derivation.ts";
import type { Expression } from "./expression.ts";
import { windowsOf } from "./expression-nodes.ts";
import type { WindowSource, WindowSpec } from "./windows/window-spec.ts";

const LONGEST_NAME = 200;

/**
 * The derived columns that expressions need, in the order in which they are met, each once. Their names say what they are
 * and are those of no column.
 */
export function derivedColumns(
  expressions: readonly Expression[],
  columns: Readonly<Record<string, ColumnType>>,
): DerivedColumn[] {
  const derived = new Map<string, DerivedColumn>();
  const names = new Set(Object.keys(columns));
  for (const { window, statistic } of expressions.flatMap(windowsOf)) {
    const from: Derivation = { kind: "window", window, statistic };
    const key = canonicalJson(from);
    if (!derived.has(key)) derived.set(key, { name: nameOf(from, names), type: "float", from });
  }
  return [...derived.values()];
}

function nameOf(from: Derivation, taken: Set<string>): string {
  const written = describe(from).toWellFormed().slice(0, LONGEST_NAME).toWellFormed();
  let name = written;
  for (let copy = 2; taken.has(name); copy++) name = `${written} #${copy}`;
  taken.add(name);
  return name;
}

function describe(from: Derivation): string {
  switch (from.kind) {
    case "window":
      return `${from.statistic}(${describeSource(from.window.of)})${describeWindow(from.window)}`;
    default:
      return assertNever(from.kind);
  }
}

function describeSource(of: WindowSource): string {
  return of.from === "rows" ? "rows" : describeExpression(of.expression);
}

function describeWindow({ by, overMs, knownAfterMs }: WindowSpec): string {
  const keys = by.length === 0 ? "" : ` by ${by.map(describeExpression).join(", ")}`;
  const after = knownAfterMs === 0 ? "" : ` after ${describeDuration(knownAfterMs)}`;
  return `${keys} over ${describeDuration(overMs)}${after}`;
}

function describeExpression(expression: Expression): string {
  switch (expression.op) {
    case "column":
      return expression.name;
    case "constant":
      return String(expression.value);
    case "constantTime":
      return expression.time;
    default:
      return "args" in expression
        ? `${expression.op}(${expression.args.map(describeExpression).join(", ")})`
        : expression.op;
  }
}

function describeDuration(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const;
  const unit = units.find(([, length]) => ms > 0 && ms % length === 0);
  return unit === undefined ? `${ms / 1000}s` : `${ms / unit[1]}${unit[0]}`;
}
