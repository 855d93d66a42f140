import { type ColumnType, canonicalJson } from "../../kernel/index.ts";
import { checkExpression } from "../check.ts";
import { compilePlan, type FeatureKernel } from "../compile.ts";
import type { DerivedColumn } from "../derivation.ts";
import { featuresErrors } from "../errors.ts";
import type { Expression, ValueKind } from "../expression.ts";
import { createLowering } from "../lower.ts";
import type { Lowering } from "../lowered.ts";
import type { ValueId } from "../plan-builder.ts";
import { readTextField } from "../record-reader.ts";
import type { CollectedWindow } from "./keyed-window.ts";
import type { LabelEvent, RowEvent } from "./window-event.ts";
import { type KeyPart, keyParts, numberPart, textPart } from "./window-key.ts";
import {
  type LabelColumn,
  targetName,
  type WindowSpec,
  type WindowStatistic,
  windowStatistics,
} from "./window-spec.ts";
import type { WindowPlaces } from "./window-state.ts";

/** Where a part of a key comes from: a field of a record, or an output of the kernel of rows. */
export type KeySource =
  | {
      readonly kind: "text";
      readonly column: string;
      readonly optional: boolean;
      readonly filled: string | null;
    }
  | { readonly kind: "number"; readonly output: number };

/** Feedback about one prediction. */
export interface Feedback {
  /** All that is known by now, by the names of columns. */
  readonly labels: Readonly<Record<string, unknown>>;
  /** The one of them that has just arrived. */
  readonly arrived: string;
  /** The names of all that arrived before it, among them those whose values are not needed any more. Default: none. */
  readonly earlier?: readonly string[];
  /** When it became known, epoch milliseconds. */
  readonly atMs: number;
}

/** The windows of a feature plan, ready to make events of records and of feedback. Not re-entrant. */
export interface WindowProgram extends WindowPlaces {
  /** The timestamp column that says when a row happened. */
  readonly time: string;
  /** The columns that labels are made of; feedback of windows over the target may also be about `target`. */
  readonly labels: readonly LabelColumn[];
  /** @throws FEATURES_MISSING_FIELD, FEATURES_BAD_FIELD */
  rowEvent(record: Readonly<Record<string, unknown>>): RowEvent;
  /**
   * What feedback about a record puts into the windows; undefined when that is nothing, perhaps not yet: a window needs
   * all the labels that it reads, one over the target those or the target itself, whichever comes first.
   *
   * @throws FEATURES_MISSING_FIELD, FEATURES_BAD_FIELD
   */
  labelEvent(record: Readonly<Record<string, unknown>>, feedback: Feedback): LabelEvent | undefined;
  /** How the same is read from tables. */
  readonly tables: {
    /** First the time, then whatever keys and values need. */
    readonly rows: FeatureKernel;
    readonly labels: FeatureKernel | undefined;
    /** The distinct keys. */
    readonly keys: readonly (readonly KeySource[])[];
    readonly sources: readonly ItemSource[];
  };
}

/** Where a window takes keys and values from. */
export interface ItemSource {
  /** Among the distinct keys. */
  readonly key: number;
  readonly value:
    | { readonly from: "rows" }
    /** An output of the kernel of rows or of that of labels. */
    | { readonly from: "value" | "label"; readonly output: number };
}

/** The windows behind derived columns, those that are equal taken together. Undefined where there are none. */
export function windowProgram({
  inputs,
  derived,
}: Pick<FeatureKernel, "inputs" | "derived">): WindowProgram | undefined {
  const { windows, columns } = collectWindows(derived);
  const time = windows[0]?.spec.time;
  if (time === undefined) return undefined;
  const specs = windows.map(({ spec }) => spec);
  const types = Object.fromEntries(inputs.map(({ name, type }) => [name, type]));
  const optional = inputs.filter(({ required }) => !required).map(({ name }) => name);
  const labels = labelColumns(specs);
  const { rows, keys, sources, labelOutputs } = rowPlan(specs, { time, types, optional });
  const everyType = { ...types, ...Object.fromEntries(labels.map(({ name, type }) => [name, type])) };
  const targetKinds = specs.map(({ of }) =>
    of.from === "label" ? checkExpression(of.expression, everyType) : undefined,
  );
  const labelKernel =
    labelOutputs.length === 0
      ? undefined
      : kernelOf(labelOutputs, {
          types: everyType,
          optional: [...optional, ...labels.map(({ name }) => name)],
        });
  const rowValues = new Float64Array(rows.outputs.length);
  const labelValues = new Float64Array(labelOutputs.length);

  const keysOf = (record: Readonly<Record<string, unknown>>): (string | null)[] => {
    const distinct = keys.map((parts) => keyOfRecord(parts, record, rowValues));
    return sources.map(({ key }) => distinct[key]!);
  };
  return {
    windows,
    columns,
    time,
    labels,
    rowEvent: (record) => {
      rows.evaluateRecord(record, rowValues);
      return {
        kind: "row",
        timeMs: orNull(rowValues[0]!),
        keys: keysOf(record),
        values: sources.map(({ value }) => {
          if (value.from === "rows") return 1;
          return value.from === "value" ? orNull(rowValues[value.output]!) : null;
        }),
      };
    },
    labelEvent: (record, feedback) => {
      const { labels: known, atMs } = feedback;
      const brought = specs.map(({ of }) => whatIsBrought(of, feedback));
      if (labelKernel === undefined || brought.every((what) => what === "nothing")) return undefined;
      rows.evaluateRecord(record, rowValues);
      if (brought.includes("columns"))
        labelKernel.evaluateRecord({ ...record, ...ownLabels(known, labels) }, labelValues);
      const values = sources.map(({ value }, at) => {
        if (value.from !== "label" || brought[at] === "nothing") return null;
        return brought[at] === "target"
          ? targetValue(known[targetName], targetKinds[at]!)
          : orNull(labelValues[value.output]!);
      });
      if (values.every((value) => value === null)) return undefined;
      return { kind: "label", timeMs: orNull(rowValues[0]!), atMs, keys: keysOf(record), values };
    },
    tables: { rows, labels: labelKernel, keys, sources },
  };
}

/** What feedback brings to a window: the last of its columns, its value itself, or nothing that it does not have already. */
function whatIsBrought(
  of: WindowSpec["of"],
  { labels, arrived, earlier = [] }: Feedback,
): "columns" | "target" | "nothing" {
  if (of.from !== "label") return "nothing";
  const { columns } = of;
  // A column of that name is a column.
  if (of.target === true && !columns.some(({ name }) => name === targetName)) {
    const hasAll = columns.every(({ name }) => earlier.includes(name));
    if (arrived === targetName) return hasAll ? "nothing" : "target";
    if (earlier.includes(targetName)) return "nothing";
  }
  if (!columns.some(({ name }) => name === arrived)) return "nothing";
  return columns.every(({ name }) => Object.hasOwn(labels, name)) ? "columns" : "nothing";
}

/** @throws FEATURES_BAD_FIELD */
function targetValue(given: unknown, kind: ValueKind): number | null {
  if (given === null) return null;
  const isFlag = kind === "flag";
  if (isFlag && typeof given === "boolean") return given ? 1 : 0;
  if (typeof given === "number" && (isFlag ? given === 0 || given === 1 : Number.isFinite(given)))
    return given + 0;
  const expected = isFlag ? "true or false" : "a finite number";
  const got = JSON.stringify(given)?.slice(0, 80) ?? typeof given;
  throw featuresErrors.FEATURES_BAD_FIELD.error(
    `label "${targetName}" must be ${expected} or null, got ${got}`,
    {
      details: { field: targetName, expected, got },
    },
  );
}

/** The order of windows does not depend on that of the columns, so that what is kept of them serves other plans too. */
function collectWindows(derived: readonly DerivedColumn[]): WindowPlaces {
  const names = derived.flatMap(({ from }) => (from.kind === "window" ? [canonicalJson(from.window)] : []));
  const places = new Map([...new Set(names)].sort().map((name, place) => [name, place]));
  const windows: { spec: WindowSpec; statistics: Set<WindowStatistic> }[] = [];
  const columns: WindowPlaces["columns"][number][] = [];
  for (const [place, { from }] of derived.entries()) {
    if (from.kind !== "window") continue;
    const name = canonicalJson(from.window);
    const window = places.get(name)!;
    windows[window] ??= { spec: from.window, statistics: new Set() };
    windows[window].statistics.add(from.statistic);
    columns.push({ place, window, statistic: from.statistic });
  }
  return {
    windows: windows.map(
      ({ spec, statistics }): CollectedWindow => ({
        spec,
        statistics: windowStatistics.filter((statistic) => statistics.has(statistic)),
      }),
    ),
    // One look at a window serves all its statistics.
    columns: columns.sort((a, b) => a.window - b.window || a.place - b.place),
  };
}

interface RecordColumns {
  readonly types: Readonly<Record<string, ColumnType>>;
  readonly optional: readonly string[];
}

/** What keys and values need of a row, as one plan, and where each of them finds it. */
function rowPlan(specs: readonly WindowSpec[], columns: RecordColumns & { readonly time: string }) {
  const outputs: Expression[] = [{ op: "column", name: columns.time }];
  const labelOutputs: Expression[] = [];
  const keys: (readonly KeySource[])[] = [];
  const keyPlaces = new Map<string, number>();
  const sourceOf = (part: KeyPart): KeySource => {
    if (part.kind === "number") return { kind: "number", output: placeOf(part.expression, outputs) };
    const { column, filled = null } = part;
    return { kind: "text", column, optional: columns.optional.includes(column), filled };
  };
  const sources = specs.map(({ of, by }): ItemSource => {
    const parts = by.flatMap((expression) => keyParts(expression, columns.types));
    const name = canonicalJson(parts);
    const key = keyPlaces.get(name) ?? keys.push(parts.map(sourceOf)) - 1;
    keyPlaces.set(name, key);
    if (of.from === "rows") return { key, value: of };
    const known = of.from === "value" ? outputs : labelOutputs;
    return { key, value: { from: of.from, output: placeOf(of.expression, known) } };
  });
  return { rows: kernelOf(outputs, columns), keys, sources, labelOutputs };
}

function placeOf(expression: Expression, outputs: Expression[]): number {
  const name = canonicalJson(expression);
  const place = outputs.findIndex((output) => canonicalJson(output) === name);
  return place >= 0 ? place : outputs.push(expression) - 1;
}

/** A kernel of one number for each expression. */
function kernelOf(expressions: readonly Expression[], { types, optional }: RecordColumns): FeatureKernel {
  const lowering = createLowering({ columns: types, optional, expressions, training: undefined });
  for (const [at, expression] of expressions.entries()) {
    const value = numberOf(expression, lowering);
    lowering.builder.output({ kind: "numeric", name: String(at), value });
  }
  return compilePlan(lowering.builder.build());
}

/** Categories that are no column are known by their code. */
function numberOf(expression: Expression, lowering: Lowering): ValueId {
  const lowered = lowering.lower(expression);
  if ("id" in lowered) return lowered.id;
  if (lowered.kind === "category") return lowered.codes().id;
  throw new Error(`unreachable: ${expression.op} was checked to be one number a row`);
}

function labelColumns(specs: readonly WindowSpec[]): LabelColumn[] {
  const columns = new Map<string, LabelColumn>();
  for (const { of } of specs) {
    if (of.from === "label") for (const column of of.columns) columns.set(column.name, column);
  }
  return [...columns.values()];
}

/** Feedback may have other names too, those of columns of the record among them. */
function ownLabels(
  known: Readonly<Record<string, unknown>>,
  labels: readonly LabelColumn[],
): Record<string, unknown> {
  const names = labels.map(({ name }) => name).filter((name) => Object.hasOwn(known, name));
  return Object.fromEntries(names.map((name) => [name, known[name]]));
}

function keyOfRecord(
  parts: readonly KeySource[],
  record: Readonly<Record<string, unknown>>,
  rowValues: Float64Array,
): string | null {
  let key = "";
  for (const part of parts) {
    if (part.kind === "number") {
      const value = rowValues[part.output]!;
      if (Number.isNaN(value)) return null;
      key += numberPart(value);
    } else {
      const text = readTextField(record, { name: part.column, optional: part.optional }) ?? part.filled;
      if (text === null) return null;
      key += textPart(text);
    }
  }
  return key;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
