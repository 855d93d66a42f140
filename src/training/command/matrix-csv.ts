import type { TrainingSet } from "../trainer.ts";
import type { ChannelColumns } from "./job-layout.ts";

const ROWS_OF_A_PIECE = 4096;

/**
 * A channel as CSV, piece by piece: a header, then a line for each row with the features, the target, and the weight when
 * there are weights. Numbers are the shortest that read back as the same double, categories their codes, what is missing
 * an empty field.
 */
export function* csvOf(set: TrainingSet, columns: ChannelColumns): Generator<string, void, undefined> {
  const values = channelValues(set, columns);
  yield `${values.map(({ column }) => csvField(column)).join(",")}\n`;
  const { rowCount } = set.matrix;
  for (let start = 0; start < rowCount; start += ROWS_OF_A_PIECE) {
    let piece = "";
    const end = Math.min(rowCount, start + ROWS_OF_A_PIECE);
    for (let row = start; row < end; row++) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!.values[row]!;
        if (i > 0) piece += ",";
        if (!Number.isNaN(value)) piece += value;
      }
      piece += "\n";
    }
    yield piece;
  }
}

/** A column of a channel; what `isWhole` is written as integers. */
export interface ChannelValues {
  readonly column: string;
  readonly values: Float64Array;
  readonly isWhole: boolean;
}

export function channelValues(
  { matrix, target, weights }: TrainingSet,
  columns: ChannelColumns,
): ChannelValues[] {
  return [
    ...columns.features.map(({ column, feature }, i) => ({
      column,
      values: matrix.values[i]!,
      isWhole: feature.kind === "categorical",
    })),
    { column: columns.target, values: target, isWhole: false },
    ...(columns.weight === undefined || weights === undefined
      ? []
      : [{ column: columns.weight, values: weights, isWhole: false }]),
  ];
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
