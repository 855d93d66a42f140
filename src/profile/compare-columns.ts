import {
  jensenShannonDistance,
  kolmogorovSmirnovOfBins,
  largestShareDifference,
  populationStability,
} from "../stats/index.ts";
import type { CategorySummary } from "./category-accumulator.ts";
import type { ColumnProfile } from "./column-profiler.ts";
import type { HistogramDocument } from "./number-histogram.ts";

/** One distance between two columns, and by which convention: the same data gives other numbers by other conventions. */
export interface Distance {
  readonly measure: "l-infinity" | "jensen-shannon" | "psi" | "kolmogorov-smirnov";
  readonly value: number;
  readonly convention: string;
}

/** Reference bins hold about a twentieth of the reference's values each, as far as fixed bins can be put together so. */
const REFERENCE_BINS = 20;

/**
 * Distances between the values present in two profiles of columns of one type, from their counts alone; empty where one
 * of them has no values, and for texts, which are not counted.
 */
export function compareColumns(reference: ColumnProfile, current: ColumnProfile): readonly Distance[] {
  if (reference.count === 0 || current.count === 0) return [];
  if (reference.kind === "category" && current.kind === "category")
    return compareCategories(reference, current);
  if (reference.kind === "number" && current.kind === "number")
    return compareHistograms(reference.histogram, current.histogram);
  return [];
}

function compareCategories(reference: CategorySummary, current: CategorySummary): readonly Distance[] {
  const counted = [reference, current].map(
    ({ top }) => new Map(top.map(({ value, count }) => [value, count])),
  );
  const values = [...new Set(counted.flatMap((counts) => [...counts.keys()]))];
  const [first, second] = counted.map((counts) => values.map((value) => counts.get(value) ?? 0));
  const rest = [reference, current].map(
    ({ count, top }) => count - top.reduce((sum, each) => sum + each.count, 0),
  );
  const all = rest.every((count) => count === 0);
  const over = all ? "all values" : "the 1,000 most frequent values of each, the rest as one";
  const r = all ? first! : [...first!, rest[0]!];
  const c = all ? second! : [...second!, rest[1]!];
  return [
    { measure: "l-infinity", value: largestShareDifference(r, c), convention: `over ${over}` },
    {
      measure: "jensen-shannon",
      value: jensenShannonDistance(r, c),
      convention: `distance to base 2 over ${over}`,
    },
  ];
}

function compareHistograms(reference: HistogramDocument, current: HistogramDocument): readonly Distance[] {
  const [fineR, fineC] = aligned(reference, current);
  const [r, c] = grouped(fineR, fineC);
  const bins = `${r.length} bins of about equal counts in the first snapshot, made of the profile's fixed bins`;
  return [
    {
      measure: "jensen-shannon",
      value: jensenShannonDistance(r, c),
      convention: `distance to base 2 over ${bins}`,
    },
    { measure: "psi", value: populationStability(r, c), convention: `natural logarithm over ${bins}` },
    {
      measure: "kolmogorov-smirnov",
      value: kolmogorovSmirnovOfBins(fineR, fineC),
      convention: `at the edges of the profile's ${fineR.length} fixed bins, so at most the exact one`,
    },
  ];
}

/** Counts of both over the bins of the coarser one. */
function aligned(a: HistogramDocument, b: HistogramDocument): readonly [number[], number[]] {
  const level = Math.min(a.level, b.level);
  const [first, second] = [a, b].map((document) => {
    const counts = new Map<number, number>();
    for (const [index, key] of document.keys.entries()) {
      const coarse = key >> (document.level - level);
      counts.set(coarse, (counts.get(coarse) ?? 0) + document.counts[index]!);
    }
    return counts;
  });
  const keys = [...new Set([...first!.keys(), ...second!.keys()])].sort((left, right) => left - right);
  return [keys.map((key) => first!.get(key) ?? 0), keys.map((key) => second!.get(key) ?? 0)];
}

/**
 * Neighbouring bins put together until each holds its share of the reference. What the current values have below and above
 * all of the reference is a bin of its own.
 */
function grouped(reference: readonly number[], current: readonly number[]): readonly [number[], number[]] {
  const total = reference.reduce((sum, count) => sum + count, 0);
  const r: number[] = [];
  const c: number[] = [];
  let seen = 0;
  let share = 0;
  let open = false;
  for (const [index, count] of reference.entries()) {
    const outside = count === 0 && (seen === 0 || seen === total);
    if (!open) {
      r.push(0);
      c.push(0);
    }
    r[r.length - 1]! += count;
    c[c.length - 1]! += current[index]!;
    seen += count;
    share += count;
    const next = reference[index + 1] ?? 0;
    // The last bin of the reference ends where it does; the one below the reference ends where it begins.
    open = outside ? (seen === 0 ? next === 0 : true) : seen < total && share < total / REFERENCE_BINS;
    if (!open) share = 0;
  }
  return [r, c];
}
