import { metricKernel } from "../src/evaluation/metric-kernel.ts";
import type { ScoredRows } from "../src/evaluation/scored-rows.ts";
import { createRandom, monotonicMs, type Random } from "../src/kernel/index.ts";
import { drawPoissonCounts } from "../src/stats/index.ts";
import type { BenchRow } from "./bench-row.ts";

const ROWS = 200_000;

/**
 * One bootstrap replicate of all binary metrics, by counts over rows sorted once, against the textbook way for AUC
 * alone: draw as many rows with replacement, sort them by score, add up ranks.
 */
export async function bench(): Promise<readonly BenchRow[]> {
  const random = createRandom("bench bootstrap");
  const predictions = Float64Array.from({ length: ROWS }, () => random.float());
  const labels = predictions.map((prediction) => (random.float() < prediction ? 1 : 0));
  const scored: ScoredRows = { task: "binary", labels, predictions };

  const kernel = metricKernel(scored);
  const counts = new Uint8Array(ROWS);
  const out = new Float64Array(kernel.metrics.length);
  const ours = bestOf(40, () => {
    drawPoissonCounts(counts, random);
    kernel.compute(counts, out);
  });
  const peer = bestOf(5, () => resampledAuc(scored, random));
  return [
    {
      claim: "bootstrap replicate, 8 binary metrics, 200,000 rows",
      ours,
      peer,
      peerName: "resample, sort, AUC only",
      ratio: ours / peer,
      unit: "ms",
    },
  ];
}

function resampledAuc({ labels, predictions }: ScoredRows, random: Random): number {
  const drawn = Float64Array.from({ length: ROWS }, () => random.integer(ROWS));
  // Score and label in one double, so that the fast numeric sort can be used: labels below the score's last bits.
  const keys = drawn.map((row) => Math.floor(predictions[row]! * 2 ** 40) * 2 + labels[row]!).sort();
  let positives = 0;
  let rankSum = 0;
  for (let rank = 0; rank < ROWS; rank++) {
    if (keys[rank]! % 2 === 0) continue;
    positives++;
    rankSum += rank + 1;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (ROWS - positives));
}

function bestOf(times: number, work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = monotonicMs();
    work();
    best = Math.min(best, monotonicMs() - start);
  }
  return best;
}
