import { codeSlot, slotOffsets } from "../inference/index.ts";
import type { FeatureMatrix } from "../kernel/index.ts";
import { trainingErrors } from "./errors.ts";

/**
 * The slots of a linear model that rows of a matrix touch, numbered without gaps: of millions of hash buckets mostly a few
 * thousand are ever seen, and what is kept for each of those fits into the processor's cache.
 */
export interface SeenSlots {
  /** Slots in all, seen or not. */
  readonly width: number;
  /** Per seen slot, rising. */
  readonly slots: Int32Array;
  /** Per feature: the number of its first seen slot. Those of a numeric feature, value and missing, are always there. */
  readonly first: Int32Array;
  /** The categorical features, by position. */
  readonly categorical: readonly number[];
  /** Row after row, for each categorical feature the number of the slot that its value stands for. */
  readonly seen: Int32Array;
}

/** @throws TRAINING_TOO_LARGE */
export function findSeenSlots({ rowCount, columns, values }: FeatureMatrix): SeenSlots {
  const offsets = slotOffsets(columns);
  if (offsets === undefined) throw tooLarge();
  const categorical = [...columns.keys()].filter((i) => columns[i]!.kind === "categorical");
  const seen = allocate(rowCount * categorical.length);
  const first = new Int32Array(columns.length);
  const found: number[] = [];
  let at = 0;
  for (const [i, { kind, cardinality }] of columns.entries()) {
    first[i] = found.length;
    if (kind === "numeric") {
      found.push(offsets[i]!, offsets[i]! + 1);
      continue;
    }
    const numbers = new Int32Array(cardinality + 1);
    const column = values[i]!;
    for (const value of column) numbers[codeSlot(value, cardinality)] = 1;
    for (let code = 0; code <= cardinality; code++) {
      if (numbers[code] === 0) continue;
      numbers[code] = found.length;
      found.push(offsets[i]! + code);
    }
    for (let row = 0; row < rowCount; row++)
      seen[row * categorical.length + at] = numbers[codeSlot(column[row]!, cardinality)]!;
    at++;
  }
  return { width: offsets[columns.length]!, slots: Int32Array.from(found), first, categorical, seen };
}

function allocate(length: number): Int32Array {
  try {
    return new Int32Array(length);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw error;
  }
}

function tooLarge(): Error {
  return trainingErrors.TRAINING_TOO_LARGE.error(
    "the features have more codes in all than a linear model may have, or more values than there is memory for",
    { hint: "Hash into fewer buckets: hashed(1_048_576) is wide." },
  );
}
