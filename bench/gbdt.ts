import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BenchRow } from "./bench-row.ts";
import { benchMatrices } from "./gbdt/datasets.ts";
import { writeMatrix } from "./gbdt/matrix-file.ts";

/**
 * Training against LightGBM: the same matrix, the same parameters (100 trees × 31 leaves, both with two threads), each
 * side in a fresh process, alternating. Time is that of binning and training; quality is log-loss or RMSE on rows that
 * neither side trained on.
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
    for (const matrix of await benchMatrices()) {
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

function compare(
  { name, task }: { readonly name: string; readonly task: "binary" | "regression" },
  ours: readonly Outcome[],
  peer: readonly Outcome[],
): BenchRow[] {
  const peerName = `LightGBM ${peer[0]?.version}, ${THREADS} threads`;
  const row = (claim: string, unit: string, pick: (outcomes: readonly Outcome[]) => number): BenchRow => {
    const values = { ours: pick(ours), peer: pick(peer) };
    return { claim: `${name}: ${claim}`, ...values, peerName, ratio: values.ours / values.peer, unit };
  };
  return [
    row("training time, at most 2 × the peer's", "s", (outcomes) =>
      Math.min(...outcomes.map(({ seconds }) => seconds)),
    ),
    row(
      `${task === "binary" ? "log-loss" : "RMSE"} on unseen rows, within 1 % of the peer's`,
      task === "binary" ? "nats" : "of target",
      (outcomes) => outcomes[0]!.metric,
    ),
  ];
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`);
