import { assertNever } from "../kernel/index.ts";
import { binaryKernel } from "./binary-metrics.ts";
import { multiclassKernel } from "./multiclass-metrics.ts";
import { regressionKernel } from "./regression-metrics.ts";
import type { ScoredRows } from "./scored-rows.ts";
import type { MetricName } from "./spec.ts";

/** Scored rows prepared so that all metrics can be computed again and again with other counts of the rows. */
export interface MetricKernel {
  readonly rowCount: number;
  readonly metrics: readonly MetricName[];
  /**
   * Writes the values of `metrics`, with row i counted `counts[i]` times, to `out`; NaN where a metric is undefined.
   */
  compute(counts: Uint8Array, out: Float64Array): void;
  /** Metrics that cost too much to be computed again and again, by position: `compute` leaves them NaN. */
  readonly onlyOnce?: ReadonlyMap<number, () => number>;
}

export function metricKernel(scored: ScoredRows): MetricKernel {
  switch (scored.task) {
    case "binary":
      return binaryKernel(scored);
    case "regression":
      return regressionKernel(scored);
    case "multiclass":
      return multiclassKernel(scored);
    default:
      return assertNever(scored.task);
  }
}

/** The metrics of the rows as they are, each counted once. */
export function pointValues(kernel: MetricKernel): Float64Array {
  const values = new Float64Array(kernel.metrics.length);
  kernel.compute(new Uint8Array(kernel.rowCount).fill(1), values);
  for (const [metric, value] of kernel.onlyOnce ?? []) values[metric] = value();
  return values;
}
