import type { FeedbackCounts } from "../feedback/index.ts";

/** Upper bounds of the latency histogram's buckets: 2^0 … 2^24 µs (16.8 s). */
const BUCKETS = 25;

interface Series {
  readonly model: string;
  readonly version: string;
  requests: number;
  instances: number;
  microseconds: number;
  readonly buckets: Float64Array;
}

/** Counts of one model's version, updated on the hot path. */
export interface PredictionCounter {
  count(instances: number, milliseconds: number): void;
}

/** The numbers behind `/metrics`, in the Prometheus text format 0.0.4. */
export class PredictionMetrics {
  readonly #series = new Map<string, Series>();
  readonly #errors = new Map<string, number>();

  counterOf(model: string, version: number): PredictionCounter {
    const key = `${model}/${version}`;
    const series: Series = this.#series.get(key) ?? {
      model,
      version: String(version),
      requests: 0,
      instances: 0,
      microseconds: 0,
      buckets: new Float64Array(BUCKETS + 1),
    };
    this.#series.set(key, series);
    return {
      count: (instances, milliseconds) => {
        const microseconds = milliseconds * 1000;
        series.requests++;
        series.instances += instances;
        series.microseconds += microseconds;
        const bucket = Math.min(BUCKETS, 32 - Math.clz32(Math.ceil(microseconds) - 1));
        series.buckets[bucket]!++;
      },
    };
  }

  countError(status: number, code: string): void {
    const key = `status="${status}",code="${code}"`;
    this.#errors.set(key, (this.#errors.get(key) ?? 0) + 1);
  }

  /** @param gauges name → value, of the moment */
  text(gauges: ReadonlyMap<string, number>, feedback?: FeedbackCounts): string {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string) =>
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    const each = (write: (series: Series, labels: string) => void) => {
      for (const series of this.#series.values())
        write(series, `model="${series.model}",version="${series.version}"`);
    };
    family("slipway_predict_requests_total", "counter", "Answered prediction requests.");
    each(({ requests }, labels) => lines.push(`slipway_predict_requests_total{${labels}} ${requests}`));
    family("slipway_predictions_total", "counter", "Answered instances.");
    each(({ instances }, labels) => lines.push(`slipway_predictions_total{${labels}} ${instances}`));
    family(
      "slipway_predict_seconds",
      "histogram",
      "From the whole request to its answer, log write included.",
    );
    each((series, labels) => writeHistogram(lines, series, labels));
    family("slipway_request_errors_total", "counter", "Requests answered with an error.");
    for (const [labels, count] of this.#errors)
      lines.push(`slipway_request_errors_total{${labels}} ${count}`);
    if (feedback !== undefined) {
      const { unmatched, ...outcomes } = feedback;
      family("slipway_feedback_total", "counter", "Items of feedback, by what became of them.");
      for (const [outcome, count] of Object.entries(outcomes))
        lines.push(`slipway_feedback_total{outcome="${outcome}"} ${count}`);
      family("slipway_feedback_unmatched_total", "counter", "Items taken whose prediction is not in reach.");
      lines.push(`slipway_feedback_unmatched_total ${unmatched}`);
    }
    for (const [name, value] of gauges) lines.push(`# TYPE ${name} gauge`, `${name} ${value}`);
    return `${lines.join("\n")}\n`;
  }
}

function writeHistogram(lines: string[], series: Series, labels: string): void {
  let cumulative = 0;
  let bound = 1e-6;
  for (let bucket = 0; bucket < BUCKETS; bucket++, bound *= 2) {
    cumulative += series.buckets[bucket]!;
    lines.push(`slipway_predict_seconds_bucket{${labels},le="${bound}"} ${cumulative}`);
  }
  lines.push(
    `slipway_predict_seconds_bucket{${labels},le="+Inf"} ${series.requests}`,
    `slipway_predict_seconds_sum{${labels}} ${series.microseconds / 1e6}`,
    `slipway_predict_seconds_count{${labels}} ${series.requests}`,
  );
}
