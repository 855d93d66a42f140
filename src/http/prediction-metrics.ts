import type { FeedbackCounts } from "../feedback/index.ts";
import { LATENCY_BUCKETS, type VersionCounts } from "../serving/index.ts";

/** The numbers behind `/metrics`, in the Prometheus text format 0.0.4. */
export class PredictionMetrics {
  readonly #errors = new Map<string, number>();

  countError(status: number, code: string): void {
    const key = `status="${status}",code="${code}"`;
    this.#errors.set(key, (this.#errors.get(key) ?? 0) + 1);
  }

  /** @param gauges name → value, of the moment */
  text(
    versions: readonly VersionCounts[],
    gauges: ReadonlyMap<string, number>,
    feedback?: FeedbackCounts,
  ): string {
    const lines: string[] = [];
    const family = (name: string, type: string, help: string) =>
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    const each = (write: (counts: VersionCounts, labels: string) => void) => {
      for (const counts of versions) write(counts, `model="${counts.model}",version="${counts.version}"`);
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
    each((counts, labels) => writeHistogram(lines, counts, labels));
    family(
      "slipway_requests_shed_total",
      "counter",
      "Requests that were refused because there was too much to do.",
    );
    each(({ shed }, labels) => {
      for (const [reason, count] of shed)
        lines.push(`slipway_requests_shed_total{${labels},reason="${reason}"} ${count}`);
    });
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

function writeHistogram(lines: string[], counts: VersionCounts, labels: string): void {
  let cumulative = 0;
  let bound = 1e-6;
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++, bound *= 2) {
    cumulative += counts.buckets[bucket]!;
    lines.push(`slipway_predict_seconds_bucket{${labels},le="${bound}"} ${cumulative}`);
  }
  lines.push(
    `slipway_predict_seconds_bucket{${labels},le="+Inf"} ${counts.requests}`,
    `slipway_predict_seconds_sum{${labels}} ${counts.microseconds / 1e6}`,
    `slipway_predict_seconds_count{${labels}} ${counts.requests}`,
  );
}
