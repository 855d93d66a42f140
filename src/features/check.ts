import { type ColumnType, parseIsoTime } from "../kernel/index.ts";
import { featuresErrors } from "./errors.ts";
import {
  type Expression,
  kindOfColumn,
  type Op,
  type ValueKind,
  type WindowExpression,
} from "./expression.ts";
import { nodesOf } from "./expression-nodes.ts";
import { type OptionRule, type Signature, signatures } from "./signatures.ts";
import { readWindowSpec } from "./windows/window-check.ts";
import { windowStatistics } from "./windows/window-spec.ts";

const DEEPEST = 100;
const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]{0,99}$/;

/**
 * The kind of value an expression stands for. Expressions are treated as foreign: whatever passes is safe to lower.
 *
 * @throws FEATURES_UNKNOWN_OPERATION, FEATURES_UNKNOWN_COLUMN or FEATURES_BAD_EXPRESSION
 */
export function checkExpression(
  expression: Expression,
  columns: Readonly<Record<string, ColumnType>>,
): ValueKind {
  return check(expression, columns, 0);
}

/** An operation's signature, or undefined when there is no such operation. */
export function signatureOf(op: unknown): Signature | undefined {
  return typeof op === "string" && Object.hasOwn(signatures, op) ? signatures[op as Op] : undefined;
}

function check(
  expression: Expression,
  columns: Readonly<Record<string, ColumnType>>,
  depth: number,
): ValueKind {
  const node: unknown = expression;
  if (typeof node !== "object" || node === null) {
    throw refuse("?", `an expression must be an object, not ${describe(node)}`);
  }
  const signature = signatureOf(expression.op);
  if (signature === undefined) {
    throw featuresErrors.FEATURES_UNKNOWN_OPERATION.error(
      `there is no operation called ${describe(expression.op)}`,
      { details: { operation: String(expression.op).slice(0, 80) } },
    );
  }
  if (depth > DEEPEST) throw refuse(expression.op, `it is nested more than ${DEEPEST} levels deep`);
  checkOptions(expression, signature);
  if (expression.op === "column") {
    if ("args" in expression) throw refuse("column", "it takes no arguments");
    return kindOfNamedColumn(expression.name, columns);
  }
  if (expression.op === "window") checkWindow(expression, columns);
  const kinds = checkArguments(expression, signature, (argument) => check(argument, columns, depth + 1));
  checkMeaning(expression, signature, kinds);
  switch (signature.gives) {
    case "the same":
      return kinds[0]!;
    case "what it returns":
      return expression.op === "custom" ? expression.returns : kinds[0]!;
    default:
      return signature.gives;
  }
}

function checkWindow({ window }: WindowExpression, columns: Readonly<Record<string, ColumnType>>): void {
  const later = new Set(laterColumns(window));
  const ofRecords = Object.fromEntries(Object.entries(columns).filter(([name]) => !later.has(name)));
  try {
    readWindowSpec(window, "its window", { columns: ofRecords, kindOf: checkExpression });
    const made = [...window.by, ...(window.of.from === "rows" ? [] : [window.of.expression])];
    if (made.some((expression) => [...nodesOf(expression)].some(({ op }) => op === "custom")))
      throw refuse("window", "custom functions cannot be part of a window");
  } catch (thrown) {
    if (featuresErrors.FEATURES_BAD_PLAN.is(thrown)) throw refuse("window", String(thrown.details.problem));
    throw thrown;
  }
}

/** The columns that a window says are known later; a bad window is found to be one afterwards. */
function laterColumns(window: Partial<WindowExpression["window"]>): string[] {
  const { of } = window;
  if (of?.from !== "label" || !Array.isArray(of.columns)) return [];
  return of.columns.map((column: unknown) =>
    typeof column === "object" && column !== null && "name" in column ? String(column.name) : "",
  );
}

function kindOfNamedColumn(name: string, columns: Readonly<Record<string, ColumnType>>): ValueKind {
  const type = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (type === undefined || !Object.hasOwn(kindOfColumn, type)) {
    throw featuresErrors.FEATURES_UNKNOWN_COLUMN.error(`there is no column "${name}"`, {
      details: { column: name },
      hint: `declared columns: ${Object.keys(columns).join(", ")}`,
    });
  }
  return kindOfColumn[type];
}

function checkArguments(
  expression: Expression,
  signature: Signature,
  kindOf: (argument: Expression) => ValueKind,
): ValueKind[] {
  const given: unknown = "args" in expression ? expression.args : [];
  const { takes } = signature;
  const most = signature.upTo ?? takes.length;
  if (!Array.isArray(given) || given.length < takes.length || given.length > most) {
    const count = Array.isArray(given) ? given.length : describe(given);
    throw refuse(expression.op, `it takes ${range(takes.length, most)}, got ${count}`);
  }
  return (given as Expression[]).map((argument, position) => {
    const kind = kindOf(argument);
    const allowed = takes[Math.min(position, takes.length - 1)] ?? [];
    if (!allowed.includes(kind)) {
      throw refuse(
        expression.op,
        `argument ${position + 1} must be a ${allowed.join(" or ")}, ${nameOf(argument)} is a ${kind}`,
      );
    }
    return kind;
  });
}

function checkOptions(expression: Expression, signature: Signature): void {
  const rules: Readonly<Record<string, OptionRule>> = signature.options;
  const given = expression as unknown as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (name !== "op" && name !== "args" && !Object.hasOwn(rules, name)) {
      const known = Object.keys(rules).join(", ") || "none";
      throw refuse(expression.op, `it has no option "${name}" (options: ${known})`);
    }
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined && rule.optional) continue;
    const complaint = complaintAbout(value, rule);
    if (complaint !== undefined) {
      throw refuse(expression.op, `${name} must be ${complaint}, got ${describe(value)}`, { option: name });
    }
  }
}

/** What a value should have been, or undefined when it is right. */
function complaintAbout(value: unknown, rule: OptionRule): string | undefined {
  switch (rule.type) {
    case "integer": {
      const fits =
        Number.isInteger(value) && (value as number) >= rule.least && (value as number) <= rule.most;
      return fits ? undefined : `a whole number from ${rule.least} to ${rule.most}`;
    }
    case "number": {
      if (value === null && rule.nullable) return undefined;
      const fits = Number.isFinite(value) && (value as number) >= (rule.least ?? Number.NEGATIVE_INFINITY);
      return fits
        ? undefined
        : `a finite number${rule.least === undefined ? "" : ` of at least ${rule.least}`}`;
    }
    case "text":
      return isText(value) ? undefined : "a text";
    case "texts": {
      const fits =
        Array.isArray(value) &&
        value.length > 0 &&
        value.every(isText) &&
        new Set(value).size === value.length;
      return fits ? undefined : "a list of different texts";
    }
    case "time":
      return typeof value === "string" && Number.isFinite(parseIsoTime(value))
        ? undefined
        : "an ISO 8601 time";
    case "statistic":
      return windowStatistics.some((name) => name === value)
        ? undefined
        : `one of ${windowStatistics.join(", ")}`;
    case "window":
      return typeof value === "object" && value !== null ? undefined : "a window";
    case "identifier":
      return typeof value === "string" && IDENTIFIER.test(value) ? undefined : "a name such as titleOf";
    case "returns":
      return value === "number" || value === "flag" || value === "category"
        ? undefined
        : '"number", "flag" or "category"';
    case "fill":
      return isFill(value) ? undefined : `a constant, "mean", "median" or "mostFrequent"`;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function isFill(value: unknown): boolean {
  if (typeof value === "string") return ["mean", "median", "mostFrequent"].includes(value);
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "constant")) return false;
  const { constant } = value as { constant: unknown };
  return (
    Object.keys(value).length === 1 &&
    (Number.isFinite(constant) || isText(constant) || typeof constant === "boolean")
  );
}

/** What kinds and ranges alone do not say. */
function checkMeaning(expression: Expression, signature: Signature, kinds: readonly ValueKind[]): void {
  if (expression.op === "clip") {
    const { low, high } = expression;
    if (low === undefined && high === undefined) throw refuse("clip", "it needs low, high or both");
    if (low !== undefined && high !== undefined && low > high) {
      throw refuse("clip", `low (${low}) must not be above high (${high})`);
    }
  }
  if (expression.op === "custom") {
    const other = expression.args.find((argument: Expression) => argument.op !== "column");
    if (other !== undefined) throw refuse("custom", `it reads columns, not ${nameOf(other)}`);
  }
  if (expression.op === "fillMissing") {
    const [inner] = expression.args;
    const kind = kinds[0];
    if (kind === "category" && inner.op !== "column" && inner.op !== "custom") {
      throw refuse("fillMissing", "only category columns can be filled, not what is made of them");
    }
    const fill = expression.with;
    const right =
      typeof fill === "object"
        ? typeof fill.constant === (kind === "number" ? "number" : kind === "flag" ? "boolean" : "string")
        : kind === "number" || fill === "mostFrequent";
    if (!right) throw refuse("fillMissing", `a ${kind} cannot be filled with ${describe(fill)}`);
  }
  const needsNames = signature.named || (expression.op === "ordinal" && expression.order !== undefined);
  if (needsNames && "args" in expression && !hasNames(expression.args[0]!)) {
    throw refuse(expression.op, "it needs categories with names: a column or dayOfWeek()");
  }
}

function hasNames(expression: Expression): boolean {
  return (
    expression.op === "column" ||
    expression.op === "custom" ||
    expression.op === "dayOfWeek" ||
    (expression.op === "fillMissing" && hasNames(expression.args[0]))
  );
}

function nameOf(expression: Expression): string {
  if (expression.op === "column") return `column "${expression.name}"`;
  return `the result of ${expression.op}()`;
}

function range(least: number, most: number): string {
  if (least !== most) return `${least} to ${most} arguments`;
  return least === 1 ? "1 argument" : `${least} arguments`;
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint")
    return `a ${typeof value}`;
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}

function refuse(op: string, problem: string, details: Readonly<Record<string, string>> = {}): Error {
  return featuresErrors.FEATURES_BAD_EXPRESSION.error(`${op}(): ${problem}`, {
    details: { operation: op, ...details },
  });
}
