import type { Table } from "../../kernel/index.ts";
import type { ColumnFacts } from "./column-facts.ts";
import type { TargetDraft } from "./target.ts";

/** A column that says on its own what the target will be: perhaps it was written down afterwards. */
export interface Giveaway {
  readonly column: string;
  /** 1 means that the target can be read off the column without an error. */
  readonly strength: number;
  /** `certain`: too good to be known beforehand. `suspect`: worth a question. */
  readonly degree: "certain" | "suspect";
  /** `AUC 0.998` */
  readonly measure: string;
}

/** Least area under the ROC curve, and least correlation with a number, of a single column. */
const AUC = { certain: 0.995, suspect: 0.9 } as const;
const CORRELATION = { certain: 0.999, suspect: 0.95 } as const;
/** Least share that a column's values, each saying its most frequent class, correct of what always saying one class gets wrong. */
const CORRECTED = { certain: 0.99, suspect: 0.95 } as const;
/** Numbers are looked at in so many bins of equal count. */
const BINS = 50;
/** Fewer rows per value than this, and a category's mean target is the target itself. */
const ROWS_PER_VALUE = 10;
/** A column that is mostly missing says little about the rows that have it. */
const PRESENT_SHARE = 0.5;

/** The columns that predict the target very well on their own, strongest first. */
export function findGiveaways(
  columns: readonly ColumnFacts[],
  table: Table,
  target: TargetDraft,
): Giveaway[] {
  const found: Giveaway[] = [];
  const commonest = target.task === "multiclass" ? commonestShare(target.labels) : 0;
  for (const facts of columns) {
    if (facts.name === target.column || facts.type === "timestamp" || facts.distinct < 2) continue;
    if (facts.rows - facts.missing < facts.rows * PRESENT_SHARE) continue;
    if (target.task === "multiclass") {
      const right = rightBy(facts, table, target.labels);
      const strength = (right - commonest) / (1 - commonest);
      if (strength < CORRECTED.suspect) continue;
      const degree = strength >= CORRECTED.certain ? "certain" : "suspect";
      const measure = `right in ${(100 * right).toFixed(1)} % of the rows`;
      found.push({ column: facts.name, strength, degree, measure });
      continue;
    }
    const values = scores(facts, table, target.labels);
    if (values === undefined) continue;
    const binary = target.task === "binary";
    const strength = binary ? separation(values, target.labels) : correlation(values, target.labels);
    const least = binary ? AUC : CORRELATION;
    if (strength < least.suspect) continue;
    found.push({
      column: facts.name,
      strength,
      degree: strength >= least.certain ? "certain" : "suspect",
      measure: `${binary ? "AUC" : "correlation"} ${strength.toFixed(3)}`,
    });
  }
  return found.sort((a, b) => b.strength - a.strength);
}

/** The share of rows that are told right when every value, or bin of values, says its most frequent class. */
function rightBy(facts: ColumnFacts, table: Table, labels: Float64Array): number {
  const column = table.columns.get(facts.name);
  if (column === undefined) return 0;
  if (column.kind === "string" && facts.distinct * ROWS_PER_VALUE > facts.rows) return 0;
  const groups = column.kind === "string" ? column.codes : binsOf(column.values);
  const counts = new Map<number, Map<number, number>>();
  for (let row = 0; row < labels.length; row++) {
    const own = counts.get(groups[row]!) ?? new Map<number, number>();
    counts.set(groups[row]!, own.set(labels[row]!, (own.get(labels[row]!) ?? 0) + 1));
  }
  let right = 0;
  for (const own of counts.values()) right += Math.max(...own.values());
  return right / labels.length;
}

function commonestShare(labels: Float64Array): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / labels.length;
}

/** Bins of about equal count that never separate equal values; −1 is missing. */
function binsOf(values: Float64Array): Int32Array {
  const bins = new Int32Array(values.length).fill(-1);
  const rows = presentRows(values).sort((a, b) => values[a]! - values[b]!);
  let bin = 0;
  for (const [place, row] of rows.entries()) {
    const starts = Math.floor((place * BINS) / rows.length) > bin;
    if (starts && values[row] !== values[rows[place - 1]!]) bin = Math.floor((place * BINS) / rows.length);
    bins[row] = bin;
  }
  return bins;
}

/** A number per row: the value itself, or for a category the mean target of its rows. */
function scores(facts: ColumnFacts, table: Table, labels: Float64Array): Float64Array | undefined {
  const column = table.columns.get(facts.name);
  if (column === undefined) return undefined;
  if (column.kind === "number") return column.values;
  if (facts.distinct * ROWS_PER_VALUE > facts.rows) return undefined;
  const sums = new Float64Array(column.dictionary.length);
  const counts = new Float64Array(column.dictionary.length);
  column.codes.forEach((code, row) => {
    if (code < 0) return;
    sums[code]! += labels[row]!;
    counts[code]!++;
  });
  return Float64Array.from(column.codes, (code) => (code < 0 ? Number.NaN : sums[code]! / counts[code]!));
}

/** max(AUC, 1 − AUC) over the rows that have a value; ties count one half. */
function separation(values: Float64Array, labels: Float64Array): number {
  const rows = presentRows(values).sort((a, b) => values[a]! - values[b]!);
  let positives = 0;
  let negatives = 0;
  let wins = 0;
  for (let start = 0; start < rows.length; ) {
    let end = start;
    let tiedPositives = 0;
    while (end < rows.length && values[rows[end]!] === values[rows[start]!]) {
      tiedPositives += labels[rows[end]!]!;
      end++;
    }
    const tiedNegatives = end - start - tiedPositives;
    wins += tiedPositives * (negatives + tiedNegatives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
    start = end;
  }
  if (positives === 0 || negatives === 0) return 0;
  const auc = wins / (positives * negatives);
  return Math.max(auc, 1 - auc);
}

/** |Pearson's r| over the rows that have a value. */
function correlation(values: Float64Array, labels: Float64Array): number {
  const rows = presentRows(values);
  const mean = (of: Float64Array): number => rows.reduce((sum, row) => sum + of[row]!, 0) / rows.length;
  const [meanValue, meanLabel] = [mean(values), mean(labels)];
  let [xx, yy, xy] = [0, 0, 0];
  for (const row of rows) {
    const x = values[row]! - meanValue;
    const y = labels[row]! - meanLabel;
    xx += x * x;
    yy += y * y;
    xy += x * y;
  }
  return xx === 0 || yy === 0 ? 0 : Math.abs(xy) / Math.sqrt(xx * yy);
}

function presentRows(values: Float64Array): number[] {
  const rows: number[] = [];
  for (let row = 0; row < values.length; row++) if (!Number.isNaN(values[row]!)) rows.push(row);
  return rows;
}
