import { classAuc, predictedClasses } from "./multiclass-metrics.ts";
import type { ScoredRows } from "./scored-rows.ts";

/** How well one class is told from the others. Weighted but for the numbers of rows; `null` where undefined. */
export interface ClassReport {
  readonly name: string;
  /** Rows of this class. */
  readonly rows: number;
  /** Rows that the model said are of this class. */
  readonly predicted: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** Against all other classes. */
  readonly auc: number | null;
  /** The wrong class that its rows were taken for most often. */
  readonly mistakenFor?: { readonly name: string; readonly rows: number };
}

/** `rows[a][p]` rows of class `actual[a]` were said to be of class `predicted[p]`. */
export interface Confusion {
  readonly actual: readonly string[];
  readonly predicted: readonly string[];
  readonly rows: readonly (readonly number[])[];
}

export interface ClassTable {
  readonly classes: readonly ClassReport[];
  readonly confusion?: Confusion;
  readonly unseenClasses?: readonly { readonly name: string; readonly rows: number }[];
}

const MOST_CONFUSED = 50;

export function classTable(scored: ScoredRows): ClassTable {
  const { labels, predictions, weights, classes = [], unseenClasses = [] } = scored;
  const predicted = predictedClasses(predictions, classes.length);
  const names = [...classes, ...unseenClasses];
  const rows = names.map(() => new Array<number>(classes.length).fill(0));
  const truth = new Float64Array(names.length);
  const guesses = new Float64Array(names.length);
  const hits = new Float64Array(names.length);
  for (let row = 0; row < labels.length; row++) {
    const [label, guess, weight] = [labels[row]!, predicted[row]!, weights?.[row] ?? 1];
    rows[label]![guess]!++;
    truth[label] = truth[label]! + weight;
    guesses[guess] = guesses[guess]! + weight;
    if (label === guess) hits[label] = hits[label]! + weight;
  }
  const reports = classes.map((name, k): ClassReport => {
    const mistake = largestMistake(rows[k]!, k);
    return {
      name,
      rows: sumOf(rows[k]!),
      predicted: sumOf(rows.map((own) => own[k]!)),
      precision: share(hits[k]!, guesses[k]!),
      recall: share(hits[k]!, truth[k]!),
      f1: share(2 * hits[k]!, truth[k]! + guesses[k]!),
      auc: finite(classAuc(scored, k)),
      ...(mistake === undefined
        ? {}
        : { mistakenFor: { name: classes[mistake]!, rows: rows[k]![mistake]! } }),
    };
  });
  const unseen = unseenClasses
    .map((name, i) => ({ name, rows: sumOf(rows[classes.length + i]!) }))
    .filter((own) => own.rows > 0);
  return {
    classes: reports,
    ...(classes.length <= MOST_CONFUSED ? { confusion: { actual: names, predicted: classes, rows } } : {}),
    ...(unseen.length > 0 ? { unseenClasses: unseen } : {}),
  };
}

function largestMistake(rows: readonly number[], own: number): number | undefined {
  let largest: number | undefined;
  for (const [k, count] of rows.entries())
    if (k !== own && count > 0 && (largest === undefined || count > rows[largest]!)) largest = k;
  return largest;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
