import type { Signature, SignatureInput } from "../../bundle/index.ts";
import { type ColumnType, SlipwayError, type Table, type TableColumn } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import type { RecordModel } from "../record-model.ts";
import type { InstanceRecord } from "./write-instances.ts";

/** Longest list of an input that may be columns of a table. */
const MOST_COLUMNS = 4_096;

/** A graph that reads rows of a table. */
export interface GraphTable {
  /** The columns it reads: an input of one value by its name, a list of k by `name_0` … `name_<k−1>`. */
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  /** What its outputs are called, one name for each number of a row; empty where a row has one. */
  readonly outputs: readonly string[];
  /**
   * As many numbers for each row as there are outputs, one row after the other.
   *
   * @param firstRow number of the first row, for messages
   * @throws INFERENCE_BAD_TENSOR naming the row, and what the model throws
   */
  predict(table: Table, firstRow: number): Promise<Float64Array>;
}

/** @throws INFERENCE_NOT_TABULAR for a graph whose inputs or outputs do not fit into columns */
export function graphTable(model: RecordModel): GraphTable {
  const { signature } = model;
  if (signature.unbatched) throw notTabular("it has no axis of rows");
  const inputs = signature.inputs.map((input) => ({ input, names: columnNames(input) }));
  const width = signature.output.width ?? 1;
  const outputs = outputNames(signature);
  return {
    columns: inputs.flatMap(({ input, names }) => names.map((name) => ({ name, type: input.type }))),
    outputs,
    predict: async (table, firstRow) => {
      const records = recordsOf(table, inputs);
      const answers = await model.predict(records, ({ instance, error }) => {
        if (!(error instanceof SlipwayError)) throw error;
        throw inferenceErrors.INFERENCE_BAD_TENSOR.error(`row ${firstRow + instance}: ${error.message}`, {
          details: { ...error.details, row: firstRow + instance },
          cause: error,
        });
      });
      const expected = Math.max(outputs.length, width);
      if (answers.width !== expected)
        throw notTabular(`it answers ${answers.width} numbers for a row where ${expected} were declared`);
      const bad = answers.outputs.findIndex((value) => !Number.isFinite(value));
      if (bad !== -1)
        throw inferenceErrors.INFERENCE_NOT_TABULAR.error(
          `row ${firstRow + Math.floor(bad / expected)}: the answer is ${answers.outputs[bad]}`,
        );
      return answers.outputs;
    },
  };
}

function columnNames({ name, shape }: SignatureInput): readonly string[] {
  if (shape === undefined) return [name];
  const [extent = 0, ...more] = shape;
  if (more.length === 0 && extent > 0 && extent <= MOST_COLUMNS)
    return Array.from({ length: extent }, (_, at) => `${name}_${at}`);
  throw notTabular(`its input "${name}" has the shape [${shape.join(", ")}]`);
}

function outputNames({ output: { tensors, width = 1, classes } }: Signature): string[] {
  if (tensors === undefined)
    return width === 1 ? [] : Array.from({ length: width }, (_, at) => classes?.[at] ?? String(at));
  return tensors.flatMap(({ name, type, shape }) => {
    if (type === "text") throw notTabular(`its output "${name}" is a text`);
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (shape.includes(-1) || size > MOST_COLUMNS)
      throw notTabular(`its output "${name}" has the shape [${shape.join(", ")}]`);
    return size === 1 ? [name] : Array.from({ length: size }, (_, at) => `${name}_${at}`);
  });
}

function recordsOf(
  table: Table,
  inputs: readonly { readonly input: SignatureInput; readonly names: readonly string[] }[],
): InstanceRecord[] {
  const columns = inputs.map(({ input, names }) => ({
    input,
    read: names.map((name) => reader(table.columns.get(name), input.type)),
  }));
  return Array.from({ length: table.rowCount }, (_, row) =>
    Object.fromEntries(
      columns.map(({ input, read }) => [
        input.name,
        input.shape === undefined ? read[0]?.(row) : read.map((value) => value(row)),
      ]),
    ),
  );
}

function reader(column: TableColumn | undefined, type: ColumnType): (row: number) => unknown {
  if (column === undefined) return () => undefined;
  if (column.kind === "string") {
    const { codes, dictionary } = column;
    return (row) => (codes[row] === -1 ? null : dictionary[codes[row]!]);
  }
  const { values } = column;
  return (row) => {
    const value = values[row]!;
    if (Number.isNaN(value)) return null;
    return type === "bool" ? value === 1 : value;
  };
}

function notTabular(fault: string): Error {
  return inferenceErrors.INFERENCE_NOT_TABULAR.error(
    `the graph cannot predict the rows of a file: ${fault}`,
    {
      details: { fault },
      hint: "Send its tensors to the prediction API.",
    },
  );
}
