import { type HistogramSample, type MetricSample, type MetricSnapshot, metricTable } from "./metric-table.ts";

/** A sample with the labels it is shown with. */
export interface ShownSample {
  readonly sample: MetricSample;
  /** Process id, of a series that each worker has of its own. */
  readonly worker: number | undefined;
}

/**
 * The series of several workers as one machine shows them: what was counted is added up, gauges stay apart.
 *
 * @param retired what workers counted that have ended
 */
export function mergeSnapshots(
  snapshots: readonly MetricSnapshot[],
  retired: readonly MetricSample[] = [],
): ShownSample[] {
  const counted: MetricSample[][] = [[...retired]];
  const shown: ShownSample[] = [];
  for (const { pid, samples } of snapshots) {
    counted.push(samples.filter(({ name }) => metricTable[name].over === "sum"));
    for (const sample of samples) {
      const { over } = metricTable[sample.name];
      if (over === "each") shown.push({ sample, worker: pid });
      else if (over === "same" && !shown.some((other) => keyOf(other.sample) === keyOf(sample)))
        shown.push({ sample, worker: undefined });
    }
  }
  return [...sumSamples(...counted).map((sample) => ({ sample, worker: undefined })), ...shown];
}

/** Adds up samples, series by series. */
export function sumSamples(...lists: readonly (readonly MetricSample[])[]): MetricSample[] {
  const summed = new Map<string, MetricSample>();
  for (const sample of lists.flat()) {
    const key = keyOf(sample);
    const before = summed.get(key);
    summed.set(key, before === undefined ? sample : addSamples(before, sample));
  }
  return [...summed.values()];
}

function addSamples(left: MetricSample, right: MetricSample): MetricSample {
  if ("value" in left && "value" in right) return { ...left, value: left.value + right.value };
  return addHistograms(left as HistogramSample, right as HistogramSample);
}

function addHistograms(left: HistogramSample, right: HistogramSample): HistogramSample {
  return {
    ...left,
    buckets: left.buckets.map((count, bucket) => count + right.buckets[bucket]!),
    sum: left.sum + right.sum,
  };
}

function keyOf({ name, labels }: MetricSample): string {
  return JSON.stringify([name, ...labels]);
}
