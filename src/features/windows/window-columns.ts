import type { NumberColumn, Table } from "../../kernel/index.ts";
import { sortedOrder } from "../../stats/index.ts";
import { featuresErrors } from "../errors.ts";
import { numberPart, textPart } from "./window-key.ts";
import type { KeySource, WindowProgram } from "./window-program.ts";
import { WindowState } from "./window-state.ts";

/** The rows of a table as a stream of events. */
export interface TableStream {
  /** For each row of the table what its windows say, by place among the derived columns of the kernel. */
  readonly columns: ReadonlyMap<number, NumberColumn>;
  /** The past after the last row. */
  readonly state: WindowState;
}

export interface TableStreamOptions {
  /** The past before the first row, and changed by all of them; nothing without it. */
  readonly state?: WindowState;
  /** `time`: older rows first, those of one time as they stand in the table. Default: `time`. */
  readonly order?: "time" | "as given";
  /** Whether the columns of labels may be missing; labels that are not there never become known. Default: they may not. */
  readonly labels?: "required" | "optional";
}

/**
 * Sends the rows of a table through windows: each row sees what was known before it, then comes to be known itself, and
 * so does its label `knownAfter` later, where the table has one. Rows without a time see nothing and are not seen.
 *
 * The same rows sent one by one, as `rowEvent`, `read`, `apply` and `labelEvent`, `apply`, give the same bits.
 *
 * @throws FEATURES_BAD_TABLE when the table lacks a column
 */
export function streamTable(
  program: WindowProgram,
  table: Table,
  { state = new WindowState(program), order = "time", labels = "required" }: TableStreamOptions = {},
): TableStream {
  const { tables, columns } = program;
  const rowValues = tables.rows.evaluateTable(table).values;
  if (labels === "required") requireLabels(program, table);
  const labelValues = tables.labels?.evaluateTable(table).values;
  const times = rowValues[0]!;
  const keys = tables.keys.map((parts) => keysOfTable(parts, table, rowValues));
  const inputs = tables.sources.map(({ key, value }) => ({
    ids: keys[key]!.ids,
    texts: keys[key]!.texts,
    row: value.from === "value" ? rowValues[value.output]! : undefined,
    label: value.from === "label" ? labelValues?.[value.output] : undefined,
    isRow: value.from === "rows",
  }));
  const filled = columns.map(({ place }) => ({ place, values: new Float64Array(table.rowCount) }));
  const seen = new Float64Array(Math.max(0, ...columns.map(({ place }) => place + 1)));

  const keysNow: (string | null)[] = inputs.map(() => null);
  const rowNow: (number | null)[] = inputs.map(() => null);
  const labelNow: (number | null)[] = inputs.map(() => null);
  const withLabels = labelValues !== undefined;
  for (const row of order === "time" ? rowsByTime(times) : times.keys()) {
    const timeMs = Number.isNaN(times[row]) ? null : times[row]!;
    for (let at = 0; at < inputs.length; at++) {
      const input = inputs[at]!;
      const id = input.ids[row]!;
      keysNow[at] = id < 0 ? null : input.texts[id]!;
      rowNow[at] = input.isRow ? 1 : valueAt(input.row, row);
      labelNow[at] = valueAt(input.label, row);
    }
    state.read({ timeMs, keys: keysNow }, seen);
    for (const { place, values } of filled) values[row] = seen[place]!;
    if (timeMs === null) continue;
    state.apply({ kind: "row", timeMs, keys: keysNow, values: rowNow });
    if (withLabels) state.apply({ kind: "label", timeMs, atMs: timeMs, keys: keysNow, values: labelNow });
  }
  return {
    columns: new Map(filled.map(({ place, values }) => [place, { kind: "number", values }])),
    state,
  };
}

function requireLabels({ labels }: WindowProgram, table: Table): void {
  const missing = labels.find(({ name }) => !table.columns.has(name));
  if (missing === undefined) return;
  throw featuresErrors.FEATURES_BAD_TABLE.error(`the table has no column "${missing.name}"`, {
    details: { column: missing.name },
  });
}

function valueAt(values: Float64Array | undefined, row: number): number | null {
  const value = values?.[row];
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** Rows without a time come last. */
function rowsByTime(times: Float64Array): Iterable<number> {
  let inOrder = true;
  for (let row = 1; row < times.length && inOrder; row++) inOrder = times[row]! >= times[row - 1]!;
  if (inOrder) return times.keys();
  return sortedOrder(times.map((time) => (Number.isNaN(time) ? Number.POSITIVE_INFINITY : time)));
}

interface TableKeys {
  /** For each row the place of its key in `texts`, −1 where a part of it is missing. */
  readonly ids: Int32Array;
  readonly texts: readonly string[];
}

/** Keys part by part, so that each distinct beginning of a key is written once. */
function keysOfTable(
  parts: readonly KeySource[],
  table: Table,
  rowValues: readonly Float64Array[],
): TableKeys {
  let ids = new Int32Array(table.rowCount);
  let texts: string[] = [""];
  for (const part of parts) {
    const { codes, written } =
      part.kind === "text" ? textCodes(part, table) : numberCodes(rowValues[part.output]!);
    const longer = new Int32Array(table.rowCount);
    const longerTexts: string[] = [];
    const known = new Map<number, number>();
    for (let row = 0; row < longer.length; row++) {
      const id = ids[row]!;
      const code = codes[row]!;
      if (id < 0 || code < 0) {
        longer[row] = -1;
        continue;
      }
      const pair = id * written.length + code;
      let place = known.get(pair);
      if (place === undefined) {
        place = longerTexts.push(texts[id]! + written[code]!) - 1;
        known.set(pair, place);
      }
      longer[row] = place;
    }
    ids = longer;
    texts = longerTexts;
  }
  return { ids, texts };
}

interface PartCodes {
  readonly codes: Int32Array;
  readonly written: readonly string[];
}

function textCodes(
  { column, optional, filled }: Extract<KeySource, { kind: "text" }>,
  table: Table,
): PartCodes {
  const given = table.columns.get(column);
  if (given === undefined && optional)
    return {
      codes: new Int32Array(table.rowCount).fill(filled === null ? -1 : 0),
      written: [textPart(filled ?? "")],
    };
  if (given?.kind !== "string" || given.codes.length !== table.rowCount) {
    throw featuresErrors.FEATURES_BAD_TABLE.error(
      `the table has no column "${column}" of ${table.rowCount} strings`,
      { details: { column } },
    );
  }
  const written = given.dictionary.map(textPart);
  if (filled === null) return { codes: given.codes, written };
  const fill = written.push(textPart(filled)) - 1;
  return { codes: given.codes.map((code) => (code < 0 ? fill : code)), written };
}

function numberCodes(values: Float64Array): PartCodes {
  const codes = new Int32Array(values.length);
  const written: string[] = [];
  const known = new Map<number, number>();
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (Number.isNaN(value)) {
      codes[row] = -1;
      continue;
    }
    let code = known.get(value);
    if (code === undefined) {
      code = written.push(numberPart(value)) - 1;
      known.set(value, code);
    }
    codes[row] = code;
  }
  return { codes, written };
}
