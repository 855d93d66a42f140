export { type AddressForm, addressForms } from "./access-entry.ts";
export { EXPOSITION_TYPE, writeExposition } from "./exposition.ts";
export { LATENCY_BUCKETS, latencyBounds, latencyBucket, latencyQuantile } from "./latency-buckets.ts";
export { LineFile } from "./line-file.ts";
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
export {
  type AccessLogOptions,
  type ArrivingRequest,
  type RequestObservation,
  RequestObserver,
  type TracingOptions,
} from "./request-observer.ts";
export type { AttributeValue } from "./span.ts";
export { SpanExporter } from "./span-exporter.ts";
export { type TraceSampler, traceSamplers } from "./trace-context.ts";
