import {
  columnsRead,
  type Expression,
  leastOverMs,
  mostOverMs,
  paneMsOf,
  type WindowSource,
  type WindowStatistic,
} from "../features/spec.ts";
import { type ColumnType, canonicalJson } from "../kernel/index.ts";
import { suggest } from "./closest-name.ts";
import { knownColumns, rowColumns } from "./column-values.ts";
import type { DatasetSpec } from "./dataset.ts";
import { projectErrors } from "./errors.ts";
import { expressionOf, kindOf, type Num } from "./language.ts";
import type { Past, WindowOptions } from "./past-types.ts";
import type { TargetSpec } from "./target.ts";
import { isValue, valueFor } from "./values.ts";

const OPTIONS = ["by", "over", "knownAfter"] as const satisfies readonly (keyof WindowOptions)[];
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const NUMBER: readonly WindowStatistic[] = ["count", "sum", "mean", "minimum", "maximum", "hoursSinceLast"];
const FLAG = ["count", "sum", "mean", "rate", "hoursSinceLast"] as const;
const ROWS: readonly WindowStatistic[] = ["count", "hoursSinceLast"];
const METHODS: readonly Method[] = [...NUMBER, "rate"];

/** The names of the statistics in the language; `rate` is the mean of a flag. */
type Method = WindowStatistic | "rate";

/** What is collected, under the name by which errors call it. */
interface Collected {
  readonly written: string;
  readonly of: WindowSource;
  readonly methods: readonly Method[];
}

/** The second argument of `features`. */
export function pastOf(from: DatasetSpec, { expression: target, task }: TargetSpec): Past<never> {
  const { time } = from;
  if (time === undefined) return withoutTime();
  const types: Record<string, ColumnType> = Object.fromEntries(
    Object.entries(from.columns).map(([name, { type }]) => [name, type]),
  );
  const collect = (written: string, value: unknown, isLater: boolean): object => {
    const { expression, kind } = readValue(written, value);
    const labels = labelColumns(expression, { from, target });
    if (isLater && labels.length === 0) {
      throw bad(`${written}: all it reads is known with the row`, "write past.value((c) => …)");
    }
    if (!isLater && labels.length > 0) {
      throw projectErrors.PROJECT_LEAK.error(
        `${written} reads column "${labels[0]}", which the target is made of`,
        {
          details: { column: labels[0]! },
          hint: `declare the column with known: "after"; then past.label reads it`,
        },
      );
    }
    const isTarget = canonicalJson(expression) === canonicalJson(target);
    const of: WindowSource =
      labels.length === 0
        ? { from: "value", expression }
        : {
            from: "label",
            expression,
            columns: labels.map((name) => ({ name, type: types[name]! })),
            ...(isTarget ? { target: true } : {}),
          };
    return methodsOf({ written, of, methods: kind === "flag" ? FLAG : NUMBER });
  };
  const methodsOf = (collected: Collected): object =>
    Object.fromEntries(
      METHODS.map((method) => [
        method,
        (options: unknown): Num => {
          if (!collected.methods.includes(method)) throw wrongMethod(method, collected);
          const window = readWindow(options, method, collected);
          const statistic = method === "rate" ? "mean" : method;
          return valueFor({ op: "window", window: { time, ...window }, statistic }, types) as Num;
        },
      ]),
    );
  const past = {
    rows: methodsOf({ written: "past.rows", of: { from: "rows" }, methods: ROWS }),
    get target() {
      if (task === "multiclass") {
        throw bad(
          "past.target: classes cannot be averaged",
          'ask for one of them: past.label((row) => row.kind.is("…"))',
        );
      }
      return collect("past.target", valueFor(target, types), true);
    },
    column: (name: string) => {
      const column = Object.hasOwn(types, name) ? valueFor({ op: "column", name }, types) : undefined;
      if (column === undefined) {
        throw projectErrors.PROJECT_UNKNOWN_COLUMN.error(`past.column: the dataset has no column "${name}"`, {
          details: { column: String(name) },
          hint: suggest(String(name), Object.keys(types)),
        });
      }
      const isLater = labelColumns(column[expressionOf], { from, target }).length > 0;
      return collect(`past.column("${name}")`, column, isLater);
    },
    value: (read: (c: object) => unknown) =>
      collect("past.value", apply("value", read, knownColumns(from)), false),
    label: (read: (row: object) => unknown) =>
      collect("past.label", apply("label", read, rowColumns(from)), true),
  };
  return past as unknown as Past<never>;
}

/** A dataset without a time has no past, and says so to plain JavaScript. */
function withoutTime(): Past<never> {
  const refuse = (): never => {
    throw bad("past: the dataset has no time", 'declare time: "…" in dataset(): when each row happened');
  };
  return new Proxy(Object.create(null), { get: refuse, has: refuse });
}

function apply(method: string, read: unknown, columns: object): unknown {
  if (typeof read === "function") return read(columns);
  throw bad(`past.${method} takes a function of the columns`, `past.${method}((row) => …)`);
}

function readValue(written: string, value: unknown): { expression: Expression; kind: "number" | "flag" } {
  if (isValue(value)) {
    const kind = value[kindOf];
    if (kind === "number" || kind === "flag") return { expression: value[expressionOf], kind };
  }
  throw bad(
    `${written}: only numbers and flags are collected`,
    "such as a column that is an int, float or bool",
  );
}

/**
 * The columns under whose names feedback will bring what an expression needs: those that are known later; of a target that
 * declares none, all that it is made of.
 */
function labelColumns(
  expression: Expression,
  { from, target }: { readonly from: DatasetSpec; readonly target: Expression },
): string[] {
  const read = [...columnsRead(expression)];
  const later = read.filter((name) => from.columns[name]?.known === "after");
  const ofTarget = columnsRead(target);
  return later.length > 0 ? later : read.filter((name) => ofTarget.has(name));
}

function readWindow(options: unknown, method: Method, { written, of }: Collected) {
  const where = `${written}.${method}()`;
  if (typeof options !== "object" || options === null || isValue(options)) {
    throw bad(`${where}: the options are missing`, `${where.slice(0, -1)}{ by: c.origin, over: "24h" })`);
  }
  const given: Readonly<Record<string, unknown>> = { ...options };
  for (const name of Object.keys(given)) {
    if (!OPTIONS.some((known) => known === name))
      throw bad(`${where} has no option "${name}"`, suggest(name, OPTIONS));
  }
  if (of.from === "label" && given.knownAfter === undefined) {
    throw projectErrors.PROJECT_LEAK.error(`${where}: knownAfter is missing`, {
      details: { column: of.columns[0]!.name },
      hint: `say how long after a row its "${of.columns[0]!.name}" is known, for example knownAfter: "6h"`,
    });
  }
  const overMs = readDuration(given.over, `${where}: over`, leastOverMs);
  const knownAfterMs =
    given.knownAfter === undefined ? 0 : readDuration(given.knownAfter, `${where}: knownAfter`, 0);
  return { of, by: readKeys(given.by, where), overMs, paneMs: paneMsOf(overMs), knownAfterMs };
}

function readKeys(by: unknown, where: string): Expression[] {
  if (by === undefined) return [];
  const keys: readonly unknown[] = Array.isArray(by) ? by : [by];
  return keys.map((key) => {
    if (isValue(key)) return key[expressionOf];
    throw bad(
      `${where}: by must be a column or a list of columns`,
      "by: c.origin, by: [c.origin, c.destination]",
    );
  });
}

/** `"90s"`, `"1.5h"`; whole milliseconds. */
function readDuration(given: unknown, what: string, leastMs: number): number {
  const hint = 'a number and s, m, h or d: "90s", "15m", "24h", "7d"';
  const match = typeof given === "string" ? /^(\d+(?:\.\d+)?)([smhd])$/.exec(given) : null;
  if (match === null) {
    throw bad(
      `${what} must be a duration, ${given === undefined ? "it is missing" : `not ${JSON.stringify(given)}`}`,
      hint,
    );
  }
  const ms = Math.round(Number(match[1]) * UNITS[match[2]!]!);
  if (ms < leastMs || ms > mostOverMs) {
    throw bad(`${what} must be from ${leastMs / 1000}s to ${mostOverMs / UNITS.d!}d, not ${given}`, hint);
  }
  return ms;
}

/** For plain JavaScript, and for `rate` of a target that is a number. */
function wrongMethod(method: Method, { written, methods }: Collected): Error {
  return projectErrors.PROJECT_WRONG_KIND.error(`${written} has no ${method}()`, {
    details: { operation: method },
    hint: `it has ${methods.join(", ")}`,
  });
}

function bad(message: string, hint: string): Error {
  return projectErrors.PROJECT_BAD_MODEL.error(message, { details: { option: "features" }, hint });
}
