import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { workerEnvironment } from "../../src/config/index.ts";
import { scratchFolder } from "../acceptance/command.ts";
import { runProcess } from "../run-process.ts";

/**
 * Loads and unloads a forest and an ONNX graph again and again: what the process holds afterwards must not grow. The first cycles, in
 * which code is compiled and allocators take their stock, do not count.
 */
export async function loadAndUnload({
  cycles,
  from,
  mostKeptKilobytes,
}: {
  readonly cycles: number;
  /** The first cycle that counts, from 1. */
  readonly from: number;
  /** Of the 20 MB that a cycle loads, the most that it may keep, as the slope of a straight line. */
  readonly mostKeptKilobytes: number;
}): Promise<string> {
  const folder = scratchFolder("model-memory");
  try {
    const script = fileURLToPath(new URL("model-memory-process.ts", import.meta.url));
    const lines = await runProcess(script, [folder.path, String(cycles)], workerEnvironment());
    const bytes = lines.map(Number);
    assert.equal(bytes.length, cycles);
    const counted = bytes.slice(from - 1);
    const slope = slopeOf(counted);
    const megabytes = (value: number) => (value / 2 ** 20).toFixed(1);
    const figures = `${megabytes(bytes[0] ?? 0)} MB after the first cycle, ${megabytes(counted[0] ?? 0)} after cycle ${from}, ${megabytes(counted.at(-1) ?? 0)} after cycle ${cycles}; slope ${(slope / 1024).toFixed(1)} KB a cycle (at most ${mostKeptKilobytes})`;
    assert.ok(slope <= mostKeptKilobytes * 1024, `memory grows: ${figures}`);
    return figures;
  } finally {
    folder.remove();
  }
}

/**
 * Of the straight line through values at 0, 1, 2, … by Theil and Sen: the median of the slopes between any two, which a few values
 * before an allocator has given back what it had do not move.
 */
export function slopeOf(values: readonly number[]): number {
  const slopes: number[] = [];
  for (let later = 1; later < values.length; later++)
    for (let earlier = 0; earlier < later; earlier++)
      slopes.push((values[later]! - values[earlier]!) / (later - earlier));
  slopes.sort((one, other) => one - other);
  return (slopes[(slopes.length - 1) >> 1]! + slopes[slopes.length >> 1]!) / 2;
}
