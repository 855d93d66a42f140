import type { Random } from "../kernel/index.ts";

/**
 * Draws `count` of the numbers 0 … length − 1 without replacement (Knuth, TAOCP 3.4.2, algorithm S): writes those drawn,
 * ascending, to the front of `target` and the others, ascending, behind them.
 */
export function drawRows(random: Random, count: number, target: Uint32Array): void {
  const { length } = target;
  let drawn = 0;
  let others = count;
  for (let row = 0; row < length; row++) {
    if (random.float() * (length - row) < count - drawn) target[drawn++] = row;
    else target[others++] = row;
  }
}

/** Marks `count` of the places of `target` with 1 and the others with 0. */
export function drawColumns(random: Random, count: number, target: Uint8Array): void {
  let drawn = 0;
  for (let column = 0; column < target.length; column++) {
    const take = random.float() * (target.length - column) < count - drawn;
    target[column] = take ? 1 : 0;
    if (take) drawn++;
  }
}
