import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BenchRow } from "./bench-row.ts";
import { wideFlights } from "./ftrl/wide-flights.ts";
import { writeMatrix } from "./gbdt/matrix-file.ts";

/**
 * Wide and sparse data: a million flights, eight of their eleven features hashed into 2^20 buckets each, five of those
 * crosses. Against scikit-learn's SGDClassifier on the same columns, with the best of four of its `alpha`s (its default of
 * 1e-4 is among them, and much worse); ours has one setting. Each side trains on one thread in a process of its own;
 * time is that of training alone, quality the log-loss of 250,000 flights that neither has seen.
 */
const ALPHAS = ["1e-4", "1e-5", "3e-6", "1e-6"];
const OPTIONS = { alpha: 0.5, l1: 0.3, l2: 0.3 };
const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

interface Outcome {
  readonly seconds: number;
  readonly metric: number;
  /** Most memory of the process before training and in all; both hold the million rows. */
  readonly loadedBytes: number;
  readonly peakBytes: number;
  /** That are not zero. */
  readonly weights: number;
}

export async function bench(): Promise<BenchRow[]> {
  const python = here("peers/.venv-scikit-learn/bin/python");
  if (!existsSync(python)) await run(here("peers/scikit-learn/setup.sh"));
  const directory = await mkdtemp(join(tmpdir(), "slipway-bench-"));
  try {
    const path = writeMatrix(directory, await wideFlights());
    const ours = await measure<Outcome>(process.execPath, [
      here("ftrl/train-once.ts"),
      path,
      JSON.stringify(OPTIONS),
    ]);
    let peer: (Outcome & { readonly version: string; readonly alpha: string }) | undefined;
    for (const alpha of ALPHAS) {
      const script = here("peers/scikit-learn/train_sgd.py");
      const outcome = await measure<Outcome & { version: string }>(python, [script, path, alpha]);
      if (peer === undefined || outcome.metric < peer.metric) peer = { ...outcome, alpha };
    }
    if (peer === undefined) throw new Error("the peer was never measured");
    return compare(ours, peer, `scikit-learn ${peer.version} SGDClassifier(alpha=${peer.alpha})`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measure<Measured>(program: string, args: readonly string[]): Promise<Measured> {
  const { stdout } = await run(program, [...args]);
  return JSON.parse(stdout);
}

function compare(ours: Outcome, peer: Outcome, peerName: string): BenchRow[] {
  const row = (claim: string, unit: string, of: (outcome: Outcome) => number): BenchRow => {
    const values = { ours: of(ours), peer: of(peer) };
    return { claim: `flights-wide: ${claim}`, ...values, peerName, ratio: values.ours / values.peer, unit };
  };
  const megabytes = 1024 * 1024;
  return [
    row("log-loss on unseen rows, not worse than the peer's", "nats", ({ metric }) => metric),
    row("training time of 1,000,000 rows", "s", ({ seconds }) => seconds),
    row("most memory of the process, rows included", "MB", ({ peakBytes }) => peakBytes / megabytes),
    row("weights that are not zero", "weights", ({ weights }) => weights),
  ];
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await bench(), null, 2)}\n`);
