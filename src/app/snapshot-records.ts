import type { SnapshotManifest } from "../datasets/index.ts";
import { binBounds, type ColumnProfile, type NumberSummary } from "../profile/index.ts";
import type { SnapshotColumn } from "../wire/index.ts";

const SHOWN_CATEGORIES = 10;
const SHOWN_BINS = 20;

/** Columns of a snapshot as control operations give them. `known` comes from the project, where the dataset still stands in it. */
export function columnRecords(
  manifest: SnapshotManifest,
  known: Readonly<Record<string, { readonly known?: "before" | "after" }>>,
): SnapshotColumn[] {
  return manifest.profile.columns.map((column) => {
    const since = known[column.name]?.known;
    return { ...columnRecord(column), ...(since === undefined ? {} : { known: since }) };
  });
}

function columnRecord(column: ColumnProfile): SnapshotColumn {
  const { name, type, missing } = column;
  const noNumbers = { min: null, max: null, mean: null, deviation: null };
  switch (column.kind) {
    case "category":
      return {
        name,
        type,
        missing,
        ...noNumbers,
        distinct: column.distinct,
        top: column.top.slice(0, SHOWN_CATEGORIES),
      };
    case "text":
      return { name, type, missing, ...noNumbers, distinct: column.distinct, top: [] };
    case "number":
      return {
        name,
        type,
        missing,
        min: column.min,
        max: column.max,
        mean: column.mean,
        deviation: column.m2 === null || column.count === 0 ? null : Math.sqrt(column.m2 / column.count),
        distinct: column.distinct,
        top: [],
        histogram: histogramOf(column),
      };
  }
}

/** The profile's fixed bins gathered into a few of equal width, for people. A fixed bin counts where its middle lies. */
function histogramOf(summary: NumberSummary): { edges: number[]; counts: number[] } {
  const { min, max, histogram } = summary;
  if (min === null || max === null) return { edges: [], counts: [] };
  if (min === max) return { edges: [min, max], counts: [summary.count] };
  const width = (max - min) / SHOWN_BINS;
  const counts = new Array<number>(SHOWN_BINS).fill(0);
  histogram.keys.forEach((key, index) => {
    const { lower, upper } = binBounds(histogram.level, key);
    const middle = (Math.max(lower, min) + Math.min(upper, max)) / 2;
    const bin = Math.min(SHOWN_BINS - 1, Math.max(0, Math.floor((middle - min) / width)));
    counts[bin] = (counts[bin] ?? 0) + (histogram.counts[index] ?? 0);
  });
  const edges = Array.from({ length: SHOWN_BINS + 1 }, (_, index) =>
    index === SHOWN_BINS ? max : min + index * width,
  );
  return { edges, counts };
}
