import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FeatureColumn } from "../../src/kernel/index.ts";
import type { GbdtOptions, TrainingSet } from "../../src/training/index.ts";

/**
 * A matrix on disk, in a form that any language reads: a description in JSON, and for each part one file of
 * little-endian doubles, column after column, then the target, then the weights where there are any.
 */
export interface MatrixDescription extends Aim {
  readonly name: string;
  readonly weighted: boolean;
  readonly columns: readonly FeatureColumn[];
  readonly train: { readonly file: string; readonly rows: number };
  readonly test: { readonly file: string; readonly rows: number };
  /** LightGBM's names. */
  readonly parameters: {
    readonly num_iterations: number;
    readonly num_leaves: number;
    readonly learning_rate: number;
  };
}

/** What both sides are to learn, and how what they predict is judged. */
export interface Aim {
  readonly task: "binary" | "regression" | "multiclass";
  /** Multiclass: how many. */
  readonly classes?: number;
  /** Our options beyond those of `parameters`, and LightGBM's. */
  readonly objective?: {
    readonly ours: GbdtOptions;
    readonly theirs: Readonly<Record<string, string | number | readonly number[]>>;
  };
  /** Log-loss or RMSE by the task when absent. */
  readonly metric?: "poissonDeviance" | "pinball" | "mae";
}

export interface BenchMatrix extends Aim {
  readonly name: string;
  readonly train: TrainingSet;
  readonly test: TrainingSet;
}

/** @returns the path of the description */
export function writeMatrix(directory: string, matrix: BenchMatrix, leaves = 31): string {
  const part = (name: "train" | "test") => {
    const file = `${matrix.name}.${name}.f64`;
    const { matrix: features, target, weights } = matrix[name];
    const columns = [...features.values, target, ...(weights === undefined ? [] : [weights])];
    writeFileSync(join(directory, file), Buffer.concat(columns.map(bytesOf)));
    return { file, rows: features.rowCount };
  };
  const { name, train: _train, test: _test, ...aim } = matrix;
  const description: MatrixDescription = {
    ...aim,
    name,
    weighted: matrix.train.weights !== undefined,
    columns: matrix.train.matrix.columns,
    train: part("train"),
    test: part("test"),
    parameters: { num_iterations: 100, num_leaves: leaves, learning_rate: 0.1 },
  };
  const path = join(directory, `${matrix.name}.json`);
  writeFileSync(path, JSON.stringify(description));
  return path;
}

export function readMatrix(path: string): {
  description: MatrixDescription;
  train: TrainingSet;
  test: TrainingSet;
} {
  const description: MatrixDescription = JSON.parse(readFileSync(path, "utf8"));
  const { columns } = description;
  const part = ({ file, rows }: { file: string; rows: number }): TrainingSet => {
    const bytes = readFileSync(join(dirname(path), file));
    const all = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const column = (i: number) => all.slice(i * rows, (i + 1) * rows);
    return {
      matrix: { rowCount: rows, columns, values: columns.map((_, i) => column(i)) },
      target: column(columns.length),
      ...(description.weighted ? { weights: column(columns.length + 1) } : {}),
    };
  };
  return { description, train: part(description.train), test: part(description.test) };
}

function bytesOf(values: Float64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
