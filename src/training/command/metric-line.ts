/** What a program says about how far it is. */
export interface ReportedMetric {
  readonly iteration: number;
  /** 0 when it does not say. */
  readonly of: number;
  readonly metric: string;
  readonly train?: number;
  readonly validate?: number;
}

const LONGEST_LINE = 10_000;

/**
 * Reads a line of JSON such as
 *
 *     {"iteration": 3, "of": 100, "metric": "logLoss", "train": 0.41, "validate": 0.43}
 *
 * of which only `iteration` (or `step`, or `epoch`) must be there. `loss` and `val_loss`, as Keras calls them, count as
 * `train` and `validate` of the metric "loss".
 *
 * @returns undefined for every other line, which is just something that the program printed
 */
export function readMetricLine(line: string): ReportedMetric | undefined {
  const text = line.trim();
  if (!text.startsWith("{") || !text.endsWith("}") || text.length > LONGEST_LINE) return undefined;
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    // Braces without JSON between them are allowed in a log.
    return undefined;
  }
  const number = (...names: readonly string[]): number | undefined => {
    const name = names.find((candidate) => typeof value[candidate] === "number");
    return name === undefined ? undefined : Number(value[name]);
  };
  const iteration = number("iteration", "step", "epoch");
  if (iteration === undefined || !isCount(iteration)) return undefined;
  const of = number("of", "iterations", "steps", "epochs") ?? 0;
  const train = number("train", "loss");
  const validate = number("validate", "val_loss");
  return {
    iteration,
    of: isCount(of) && of >= iteration ? of : 0,
    metric: typeof value.metric === "string" ? value.metric.slice(0, 100) : "loss",
    ...(train === undefined ? {} : { train }),
    ...(validate === undefined ? {} : { validate }),
  };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
