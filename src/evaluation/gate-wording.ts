import { type GateSpec, lowerIsBetter, type MetricName } from "./spec.ts";

/** `auc at least 0.6`, `logLoss not worse than the champion by more than 0.002, per origin`. */
export function gateInWords(gate: GateSpec): string {
  const per = gate.per === undefined ? "" : `, per ${gate.per}`;
  if (gate.kind === "bound") return `${gate.metric} at ${gate.at} ${gate.bound}${per}`;
  const margin = gate.margin === 0 ? "" : ` by more than ${gate.margin}`;
  return `${gate.metric} not worse than the champion${margin}${per}`;
}

/** Four significant digits. */
export function formatMetric(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** With its sign, three significant digits. */
export function formatDifference(value: number): string {
  if (value === 0) return "±0";
  return `${value > 0 ? "+" : "−"}${Number(Math.abs(value).toPrecision(3))}`;
}

/** Why a metric has no value on these rows. */
export function undefinedReason(metric: MetricName, labels: Float64Array): string {
  const first = labels[0];
  const constant = labels.every((label) => label === first);
  switch (metric) {
    case "auc":
    case "prAuc":
    case "recall":
    case "f1":
    case "r2":
      if (constant) return `${metric} is undefined: the target is ${first} in every row`;
      break;
    case "top2":
    case "top3":
    case "top5":
      return `${metric} is undefined: there are no more classes than that`;
    case "poissonDeviance":
      return "poissonDeviance is undefined: a prediction is not above 0, or a target is below it";
    case "precision":
      return "precision is undefined: no prediction reaches 0.5";
    default:
      break;
  }
  return `${metric} is undefined: ${lowerIsBetter(metric) ? "all weights are 0 or the errors overflow" : "all weights of one kind of row are 0"}`;
}
