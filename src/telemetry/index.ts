export { EXPOSITION_TYPE, writeExposition } from "./exposition.ts";
export { LATENCY_BUCKETS, latencyBounds, latencyBucket, latencyQuantile } from "./latency-buckets.ts";
export { mergeSnapshots, type ShownSample, sumSamples } from "./merge-samples.ts";
export {
  type HistogramSample,
  type MetricFamily,
  type MetricName,
  type MetricSample,
  type MetricSnapshot,
  metricTable,
  outlivesWorker,
} from "./metric-table.ts";
export { metricsReference } from "./metrics-page.ts";
