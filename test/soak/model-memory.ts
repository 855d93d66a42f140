import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { scratchFolder } from "../acceptance/command.ts";
import { runProcess } from "../run-process.ts";

/** A cycle loads and unloads 16 MiB of weights and a forest; of what it loads, it may keep less than this. */
const MOST_KEPT_BYTES_A_CYCLE = 64 * 1024;

/**
 * Loads and unloads a forest and an ONNX graph again and again: what the process holds afterwards must not grow. The first cycles, in
 * which code is compiled and allocators take their stock, do not count.
 */
export async function loadAndUnload({
  cycles,
  from,
}: {
  readonly cycles: number;
  /** The first cycle that counts, from 1. */
  readonly from: number;
}): Promise<string> {
  const folder = scratchFolder("model-memory");
  try {
    const script = fileURLToPath(new URL("model-memory-process.ts", import.meta.url));
    const lines = await runProcess(script, [folder.path, String(cycles)]);
    const bytes = lines.map(Number);
    assert.equal(bytes.length, cycles);
    const counted = bytes.slice(from - 1);
    const slope = slopeOf(counted);
    const megabytes = (value: number) => (value / 2 ** 20).toFixed(1);
    const figures = `${megabytes(bytes[0] ?? 0)} MB after the first cycle, ${megabytes(counted[0] ?? 0)} after cycle ${from}, ${megabytes(counted.at(-1) ?? 0)} after cycle ${cycles}; slope ${(slope / 1024).toFixed(1)} KB a cycle (at most ${MOST_KEPT_BYTES_A_CYCLE / 1024} with 50 cycles)`;
    // Over a few cycles, the noise of allocators is a slope of its own.
    const most = MOST_KEPT_BYTES_A_CYCLE * Math.max(1, 40 / (cycles - from));
    assert.ok(slope <= most, `memory grows: ${figures}`);
    return figures;
  } finally {
    folder.remove();
  }
}

/** Of the straight line with the least squares through values at 0, 1, 2, … */
export function slopeOf(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let rise = 0;
  let run = 0;
  for (const [at, value] of values.entries()) {
    rise += (at - middle) * (value - mean);
    run += (at - middle) ** 2;
  }
  return rise / run;
}
