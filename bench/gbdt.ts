import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BenchRow } from "./bench-row.ts";
import { benchMatrices, objectiveMatrices } from "./gbdt/datasets.ts";
import { type BenchMatrix, writeMatrix } from "./gbdt/matrix-file.ts";

/**
 * Training against LightGBM: the same matrix, the same parameters (100 trees × 31 leaves, both with two threads), each
 * side in a fresh process, alternating. Time is that of binning and training; quality is the objective's own loss on rows
 * that neither side trained on.
 */
const THREADS = 2;
const REPEATS = 3;
const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Outcome {
  readonly seconds: number;
  readonly metric: number;
  readonly version?: string;
}

export async function bench(): Promise<BenchRow[]> {
  const python = here("peers/.venv-lightgbm/bin/python");
  if (!existsSync(python)) await run(here("peers/lightgbm/setup.sh"));
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-"));
  try {
    const rows: BenchRow[] = [];
    for (const matrix of [...(await benchMatrices()), ...(await objectiveMatrices())]) {
      const path = writeMatrix(directory, matrix);
      const ours: Outcome[] = [];
      const peer: Outcome[] = [];
      for (let i = 0; i < REPEATS; i++) {
        ours.push(await measure(process.execPath, [here("gbdt/train-once.ts"), path]));
        peer.push(await measure(python, [here("peers/lightgbm/train.py"), path]));
      }
      rows.push(...compare(matrix, ours, peer));
    }
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measure(program: string, args: readonly string[]): Promise<Outcome> {
  const { stdout } = await run(program, [...args, String(THREADS)]);
  return JSON.parse(stdout);
}

const METRICS = {
  binary: ["log-loss", "nats"],
  multiclass: ["log-loss", "nats"],
  regression: ["RMSE", "of target"],
  poissonDeviance: ["Poisson deviance", "mean"],
  pinball: ["pinball loss", "of target"],
  mae: ["absolute error", "of target"],
} as const;

function compare(
  { name, task, metric }: Pick<BenchMatrix, "name" | "task" | "metric">,
  ours: readonly Outcome[],
  peer: readonly Outcome[],
): BenchRow[] {
  const peerName = `LightGBM ${peer[0]?.version}, ${THREADS} threads`;
  const row = (claim: string, unit: string, pick: (outcomes: readonly Outcome[]) => number): BenchRow => {
    const values = { ours: pick(ours), peer: pick(peer) };
    return { claim: `${name}: ${claim}`, ...values, peerName, ratio: values.ours / values.peer, unit };
  };
  const [loss, unit] = METRICS[metric ?? task];
  return [
    row("training time, at most 2 × the peer's", "s", (outcomes) =>
      Math.min(...outcomes.map(({ seconds }) => seconds)),
    ),
    row(`${loss} on unseen rows, within 1 % of the peer's`, unit, (outcomes) => outcomes[0]!.metric),
  ];
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`);
