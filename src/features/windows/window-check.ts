import { type ColumnType, SlipwayError } from "../../kernel/index.ts";
import { type Expression, kindOfColumn, type ValueKind } from "../expression.ts";
import { columnsRead, learnedOperation, windowsOf } from "../expression-nodes.ts";
import { type Json, readInteger, readList, readObject, readText, refusePlan } from "../plan-reader.ts";
import { keyParts } from "./window-key.ts";
import {
  type LabelColumn,
  leastOverMs,
  mostKeys,
  mostOverMs,
  mostPanes,
  type WindowSource,
  type WindowSpec,
} from "./window-spec.ts";

type Columns = Readonly<Record<string, ColumnType>>;

export interface WindowRules {
  /** The columns of a record. */
  readonly columns: Columns;
  /** The check of an expression: `checkExpression`. */
  readonly kindOf: (expression: Expression, columns: Columns) => ValueKind;
}

/**
 * Reads a window as foreign JSON.
 *
 * @throws FEATURES_BAD_PLAN
 */
export function readWindowSpec(given: Json, where: string, rules: WindowRules): WindowSpec {
  const { columns } = rules;
  const own = readObject(given, where, ["time", "of", "by", "overMs", "paneMs", "knownAfterMs"]);
  const time = readText(own.time, where);
  if (!Object.hasOwn(columns, time) || columns[time] !== "timestamp") {
    throw refusePlan("has a time that is no timestamp column", where);
  }
  const of = readSource(own.of, `${where}.of`, rules);
  const by = readList(own.by, where, mostKeys).map((key) => {
    const expression = readExpression(key, `${where}.by`, {
      ...rules,
      kinds: ["number", "flag", "category"],
    });
    for (const part of keyParts(expression, columns)) {
      if (part.kind === "number") refuseLearned(part.expression, `${where}.by`);
    }
    return expression;
  });
  const overMs = readInteger(own.overMs, where, { least: leastOverMs, most: mostOverMs });
  const paneMs = readInteger(own.paneMs, where, { least: 1, most: overMs });
  if (overMs / paneMs >= mostPanes + 1) throw refusePlan(`has more than ${mostPanes} panes`, where);
  const knownAfterMs = readInteger(own.knownAfterMs, where, { least: 0, most: mostOverMs });
  return { time, of, by, overMs, paneMs, knownAfterMs };
}

function readSource(given: Json, where: string, rules: WindowRules): WindowSource {
  const { columns } = rules;
  const own = readObject(given, where, ["from", "expression", "columns", "target"]);
  const kinds = ["number", "flag"] as const;
  const refuseExtra = (name: "expression" | "columns" | "target"): void => {
    if (own[name] !== undefined) throw refusePlan(`must not have ${name}`, where);
  };
  switch (own.from) {
    case "rows":
      refuseExtra("expression");
      refuseExtra("columns");
      refuseExtra("target");
      return { from: "rows" };
    case "value": {
      refuseExtra("columns");
      refuseExtra("target");
      const expression = readExpression(own.expression, where, { ...rules, kinds });
      refuseLearned(expression, where);
      return { from: "value", expression };
    }
    case "label": {
      const later = readList(own.columns, where, 1000).map((column) => readLabelColumn(column, where));
      if (later.some(({ name }) => Object.hasOwn(columns, name))) {
        throw refusePlan("has a column that is known before and after", where);
      }
      const every = Object.fromEntries([
        ...Object.entries(columns),
        ...later.map(({ name, type }) => [name, type] as const),
      ]);
      const expression = readExpression(own.expression, where, { ...rules, columns: every, kinds });
      refuseLearned(expression, where);
      const read = columnsRead(expression);
      if (later.length === 0 || later.some(({ name }) => !read.has(name))) {
        throw refusePlan("must name the later columns that it reads", where);
      }
      if (own.target !== undefined && own.target !== true) throw refusePlan("has a bad target", where);
      return { from: "label", expression, columns: later, ...(own.target === true ? { target: true } : {}) };
    }
    default:
      throw refusePlan("collects something unknown", where);
  }
}

function readLabelColumn(given: Json, where: string): LabelColumn {
  const own = readObject(given, where, ["name", "type"]);
  const type = readText(own.type, where);
  if (!Object.hasOwn(kindOfColumn, type)) throw refusePlan("has an unknown type", where);
  return { name: readText(own.name, where), type: type as ColumnType };
}

/** An expression of a plan, whose faults are faults of the plan. */
function readExpression(
  given: Json,
  where: string,
  rules: WindowRules & { readonly kinds: readonly ValueKind[] },
): Expression {
  const expression = given as Expression;
  let kind: ValueKind;
  try {
    kind = rules.kindOf(expression, rules.columns);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) throw refusePlan(`has a bad expression: ${thrown.message}`, where);
    throw thrown;
  }
  if (windowsOf(expression).length > 0) throw refusePlan("has a window within a window", where);
  if (!rules.kinds.includes(kind)) throw refusePlan(`has an expression that is a ${kind}`, where);
  return expression;
}

function refuseLearned(expression: Expression, where: string): void {
  const learned = learnedOperation(expression);
  if (learned !== undefined) throw refusePlan(`has ${learned}(), which is learned from training rows`, where);
}
