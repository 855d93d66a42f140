import type { OperationOutput } from "../../src/wire/index.ts";
import type { Flight } from "./june-flights.ts";
import type { Traffic } from "./live-traffic.ts";

export interface DemoResults {
  readonly trained: OperationOutput<"train">;
  readonly traffic: Traffic;
  readonly replayed: OperationOutput<"replay">;
  readonly flights: readonly Flight[];
  readonly elapsedMs: number;
}

const BAR_WIDTH = 24;

/** What was learned, how good it is, whether it is calibrated on live traffic, how fast it answered, and that it can be replayed. */
export function printSummary(results: DemoResults): void {
  const { trained, traffic, replayed } = results;
  const lines = [
    "",
    heading(`late@${trained.version}: ${trained.status}${trained.champion ? ", champion" : ""}`),
    `bundle ${trained.bundle.slice(0, 12)} from snapshot ${trained.snapshot.slice(0, 12)}, ${count(trained.evaluation.rows.train)} flights learned from, ${trained.iterations} trees`,
    "",
    heading("What matters"),
    ...importance(trained),
    "",
    heading(`How good, on ${count(trained.evaluation.rows.evaluate)} flights of May it never saw`),
    ...metrics(trained),
    "",
    heading(`Is 30 % really 30 %?  Live traffic of June, ${count(traffic.predictions.length)} flights`),
    ...reliability(results),
    "",
    heading("Serving"),
    `${count(traffic.predictions.length)} requests, ${traffic.failed} failed · ${count(Math.round(traffic.requestsPerSecond))} requests/s · p50 ${traffic.p50Ms.toFixed(1)} ms · p99 ${traffic.p99Ms.toFixed(1)} ms (client and server on this machine)`,
    `replay: ${count(replayed.identical)} of ${count(replayed.predictions)} predictions recomputed bit for bit${replayed.identical === replayed.predictions ? "" : "  ← NOT ALL IDENTICAL"}`,
    "",
    `All of it took ${(results.elapsedMs / 1000).toFixed(0)} s.`,
    "",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function importance(trained: OperationOutput<"train">): string[] {
  const total = trained.importance.reduce((sum, feature) => sum + feature.gain, 0);
  const best = [...trained.importance].sort((left, right) => right.gain - left.gain).slice(0, 6);
  const width = Math.max(...best.map((feature) => feature.feature.length));
  const largest = best[0]?.gain ?? 1;
  return best.map(
    ({ feature, gain }) => `${feature.padEnd(width)}  ${bar(gain / largest)} ${percent(gain / total)}`,
  );
}

function metrics(trained: OperationOutput<"train">): string[] {
  const shown = trained.evaluation.metrics.filter(({ value }) => value !== null);
  const width = Math.max(...shown.map(({ name }) => name.length));
  const confidence = `${trained.evaluation.confidence * 100} %`;
  return [
    ...shown.map(({ name, value, low, high }) =>
      low === null || high === null
        ? `${name.padEnd(width)}  ${decimal(value)}`
        : `${name.padEnd(width)}  ${decimal(value)}   ${confidence} interval ${decimal(low)} to ${decimal(high)}`,
    ),
    `gates: ${gates(trained)}`,
  ];
}

function gates(trained: OperationOutput<"train">): string {
  const by = (outcome: string): number => trained.gates.filter((gate) => gate.outcome === outcome).length;
  return `${by("passed")} passed, ${by("failed")} failed, ${by("not-evaluated")} not evaluated`;
}

/** Ten bins of equal width over the predicted probability: what was predicted against what happened. */
function reliability({ traffic, flights }: DemoResults): string[] {
  const bins = Array.from({ length: 10 }, () => ({ rows: 0, predicted: 0, late: 0 }));
  for (const [index, probability] of traffic.predictions.entries()) {
    if (Number.isNaN(probability)) continue;
    const bin = bins[Math.min(9, Math.floor(probability * 10))];
    if (bin === undefined) continue;
    bin.rows++;
    bin.predicted += probability;
    bin.late += flights[index]?.late ? 1 : 0;
  }
  const rows = bins
    .filter((bin) => bin.rows >= 20)
    .map(({ rows, predicted, late }) => ({ rows, predicted: predicted / rows, late: late / rows }));
  const scale = BAR_WIDTH / Math.max(0.1, ...rows.flatMap((row) => [row.predicted, row.late]));
  return [
    "predicted  came late",
    ...rows.map((row) => {
      const length = Math.round(row.late * scale);
      const mark = Math.round(row.predicted * scale);
      const line = Array.from({ length: BAR_WIDTH + 2 }, (_, at) =>
        at === mark ? "┃" : at < length ? "█" : " ",
      ).join("");
      return `${percent(row.predicted).padStart(8)}   ${percent(row.late).padStart(8)}  ${line} ${count(row.rows)} flights`;
    }),
    "                     █ came late   ┃ where the bar would end if the prediction were exact",
  ];
}

const count = (value: number): string => value.toLocaleString("en");
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const decimal = (value: number | null): string => (value === null ? "–" : value.toFixed(4));
const bar = (share: number): string =>
  "█".repeat(Math.max(1, Math.round(share * BAR_WIDTH))).padEnd(BAR_WIDTH);
const heading = (text: string): string => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);
