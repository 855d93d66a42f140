/** One family of metrics, as Prometheus knows it. */
export interface MetricFamily {
  readonly type: "counter" | "gauge" | "histogram";
  /** Ends with a full stop; says the unit where the name does not. */
  readonly help: string;
  readonly labels: readonly string[];
  /**
   * `sum`: what several workers counted is added up, and what a worker counted stays after its end. `each`: every worker has
   * a series of its own, with its process id as the label `worker`, for as long as it lives. `same`: all workers say the same.
   */
  readonly over: "sum" | "each" | "same";
}

const counter = (help: string, labels: readonly string[] = []): MetricFamily => ({
  type: "counter",
  help,
  labels,
  over: "sum",
});

const gauge = (help: string, labels: readonly string[] = []): MetricFamily => ({
  type: "gauge",
  help,
  labels,
  over: "each",
});

const ANSWERED = ["model", "version", "arm", "protocol"];

/**
 * Every metric of `/metrics`. `docs/reference/metrics.md` is written from this table. Names and labels are an interface:
 * dashboards and alerts stand on them.
 */
export const metricTable = {
  slipway_predictions_total: counter("Instances that were answered.", ANSWERED),
  slipway_predict_duration_seconds: {
    type: "histogram",
    help: "Answered prediction requests, by the time from the whole request to its answer, log write included.",
    labels: ANSWERED,
    over: "sum",
  },
  slipway_request_errors_total: counter(
    "Requests that were answered with an error, by its stable code; docs/reference/errors.md says what each means.",
    ["protocol", "model", "code", "status"],
  ),
  slipway_requests_shed_total: counter(
    "Requests that were refused before anything was computed, because there was too much to do, by the reason; docs/guide/serving.md says what each means.",
    [...ANSWERED, "reason"],
  ),
  slipway_requests_total: counter("Requests of every kind over HTTP, probes and scrapes included."),
  slipway_feedback_total: counter("Items of feedback, by what became of them.", ["outcome"]),
  slipway_feedback_unmatched_total: counter("Items of feedback taken whose prediction is not in reach."),
  slipway_log_predictions_total: counter("Requests written to the prediction log."),
  slipway_log_sampled_out_total: counter(
    "Of these, requests of which only the header was written, because the log of their model is a sample.",
  ),
  slipway_log_unlogged_total: counter(
    "Requests answered without being logged, because the disk was full and SLIPWAY_ON_LOG_FULL allows it.",
  ),
  slipway_log_groups_total: counter("Group commits of the prediction log: one write each."),
  slipway_log_failed_groups_total: counter(
    "Group commits that failed; none of their requests is in the log.",
  ),
  slipway_log_bytes_total: counter("Bytes written to the prediction log."),
  slipway_access_log_entries_total: counter(
    "Requests that the access log was to hold: written, dropped because it could not keep up, or sampled out.",
    ["outcome"],
  ),
  slipway_model_runs_total: counter(
    "Runs of a model on a thread whose requests may be answered together, since the version was loaded.",
    ["model", "version"],
  ),
  slipway_model_run_requests_total: counter("Requests that those runs answered.", ["model", "version"]),
  slipway_model_run_rows_total: counter("Rows of those requests; by runs: rows a run.", ["model", "version"]),
  slipway_spans_total: counter(
    "Spans of traced requests: exported, or dropped because the collector did not take them.",
    ["outcome"],
  ),
  slipway_build_info: {
    type: "gauge",
    help: "Always 1; the labels say what is running.",
    labels: ["version", "node"],
    over: "same",
  },
  slipway_workers: { type: "gauge", help: "Workers that count here and live.", labels: [], over: "same" },
  slipway_ready: gauge("1 when the worker is ready, as /readyz says."),
  slipway_model_ready: gauge("1 when a version of the model answers requests that name none.", ["model"]),
  slipway_version_available: gauge("1 when the version is loaded, 0 when it could not be.", [
    "model",
    "version",
    "bundle",
  ]),
  slipway_routing_generation: gauge("Generation of the routing snapshot that is served."),
  slipway_requests_in_flight: gauge("HTTP requests whose headers have arrived and that are not answered."),
  slipway_connections: gauge("Open HTTP connections."),
  slipway_stopped_connections: gauge(
    "HTTP connections that are not read from for the moment, so that their clients send more slowly.",
  ),
  slipway_queue_requests: gauge("Requests that wait for the event loop."),
  slipway_queue_wait_seconds: gauge("How long a request that came now would wait for the event loop."),
  slipway_event_loop_delay_seconds: gauge(
    "How late the event loop was on average since the heartbeat before.",
  ),
  slipway_cpu_share: gauge("Processor time ÷ time since the heartbeat before; 1 is one core."),
  slipway_stream_sequence: gauge("Number of the last event of the stream that the windows have seen."),
  slipway_stream_age_seconds: gauge("How long ago the windows held everything that had been logged."),
  slipway_window_keys: gauge("Keys that the windows hold."),
  slipway_window_events_skipped: gauge("Events that the windows passed over."),
  process_cpu_seconds_total: {
    type: "counter",
    help: "Processor time, user and system.",
    labels: [],
    over: "each",
  },
  process_resident_memory_bytes: gauge("Resident memory."),
  process_heap_bytes: gauge("Bytes in use on the JavaScript heap."),
  process_start_time_seconds: gauge("When the process started, in seconds since 1970."),
} as const satisfies Readonly<Record<string, MetricFamily>>;

export type MetricName = keyof typeof metricTable;

/** A number of one series. */
export interface NumberSample {
  readonly name: MetricName;
  /** In the order of the family's labels. */
  readonly labels: readonly string[];
  readonly value: number;
}

/** A latency histogram of one series. */
export interface HistogramSample {
  readonly name: MetricName;
  readonly labels: readonly string[];
  /** By bucket, not cumulative: `LATENCY_BUCKETS + 1` counts. */
  readonly buckets: readonly number[];
  /** Seconds over all of them. */
  readonly sum: number;
}

export type MetricSample = NumberSample | HistogramSample;

/** What one worker has counted so far. */
export interface MetricSnapshot {
  /** Names this life of the worker. */
  readonly incarnation: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  readonly samples: readonly MetricSample[];
}

/** Whether a sample outlives its worker. */
export function outlivesWorker({ name }: MetricSample): boolean {
  return metricTable[name].over === "sum";
}
