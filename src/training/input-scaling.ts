import type { FeatureMatrix } from "../kernel/index.ts";

/** How the values of every column of a matrix become inputs of a linear model: (x − centre) ÷ scale. */
export interface InputScaling {
  readonly centre: Float64Array;
  readonly scale: Float64Array;
}

/**
 * Numeric columns get mean 0 and standard deviation 1. One that is 0 in at least half of its rows stays sparse: it is not
 * centred, and its other values get a root mean square of 1. Categorical columns have none: centre 0, scale 1.
 */
export function scalingOf({ columns, values }: FeatureMatrix): InputScaling {
  const centre = new Float64Array(columns.length);
  const scale = new Float64Array(columns.length).fill(1);
  for (const [i, { kind }] of columns.entries()) {
    if (kind === "categorical") continue;
    const found = scalingOfColumn(values[i]!);
    centre[i] = found.centre;
    scale[i] = found.scale;
  }
  return { centre, scale };
}

function scalingOfColumn(values: Float64Array): { readonly centre: number; readonly scale: number } {
  let largest = 0;
  let present = 0;
  let zeros = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    present++;
    if (value === 0) zeros++;
    const size = value < 0 ? -value : value;
    if (size > largest) largest = size;
  }
  if (largest === 0) return { centre: 0, scale: 1 };
  const isSparse = 2 * zeros >= present;
  // Relative to the largest one, so that neither sums nor squares overflow.
  let sum = 0;
  if (!isSparse) for (const value of values) if (!Number.isNaN(value)) sum += value / largest;
  const mean = sum / present;
  let squares = 0;
  for (const value of values) {
    if (Number.isNaN(value) || (isSparse && value === 0)) continue;
    const distance = value / largest - mean;
    squares += distance * distance;
  }
  const scale = Math.sqrt(squares / (isSparse ? present - zeros : present)) * largest;
  return { centre: mean * largest, scale: scale > 0 && scale < Number.POSITIVE_INFINITY ? scale : 1 };
}
