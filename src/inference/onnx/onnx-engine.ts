import type { FeatureColumn, FeatureMatrix } from "../../kernel/index.ts";
import type { Engine } from "../engine.ts";
import { inferenceErrors } from "../errors.ts";
import { checkColumns } from "../matrix-columns.ts";
import { type InstanceTensor, interfaceOf, isSingle } from "./graph-interface.ts";
import type { RunCounts } from "./merged-session.ts";
import { type OnnxSession, type OnnxSessionOptions, openOnnxSession } from "./onnx-session.ts";
import { type OnnxTensor, tensorArrays, tensorSize } from "./tensor.ts";
import { type WarmedSession, type WarmOptions, warmedSession } from "./warmed-session.ts";

/** An ONNX graph that reads the features of a plan. Any number of calls may be open. */
export interface OnnxEngine extends Pick<Engine, "task" | "featureCount" | "outputs"> {
  /**
   * @param features `featureCount` values for each row, one row after the other; NaN is missing
   * @returns `outputs` values for each row. They may differ in their last bits from the same rows in another batch
   * @throws INFERENCE_RUN_FAILED, INFERENCE_SESSION_CLOSED, INFERENCE_SESSION_ENDED
   */
  predictRows(features: Float64Array, rows: number): Promise<Float64Array>;
  /** The same for columns. @throws INFERENCE_WRONG_MATRIX too */
  predictMatrix(matrix: FeatureMatrix): Promise<Float64Array>;
  /** Runs the graph on made-up rows, and lets calls be run together where that changes no bit. @throws INFERENCE_SESSION_* */
  warm(options: WarmOptions): Promise<void>;
  /** Of a graph whose calls may be run together. */
  runCounts(): RunCounts | undefined;
  close(): Promise<void>;
}

/** Rows that go through a graph at once: what it computes on the way may be many times as large. */
const MOST_BLOCK_ROWS = 4096;
const BLOCK_DOUBLES = 1024 * 1024;

/** What the rest of a bundle says of its graph. */
export interface OnnxEngineShape {
  readonly features: readonly FeatureColumn[];
  readonly task: Engine["task"];
  /** Numbers that a row is answered with. */
  readonly outputs: number;
}

/**
 * Opens a graph whose inputs are the features of a plan: inputs of one value that are called like features take those, in
 * any order; otherwise the features fill the inputs one after the other, in the order of the graph. Of its outputs that one
 * answers which has as many values in a row as the task needs; of a binary model it may have two, and the second answers.
 *
 * @throws what `openOnnxSession` throws, INFERENCE_GRAPH_MISMATCH when inputs or outputs do not fit
 */
export async function openOnnxEngine(
  bytes: Uint8Array,
  shape: OnnxEngineShape,
  options: OnnxSessionOptions = {},
): Promise<OnnxEngine> {
  const session = await openOnnxSession(bytes, options);
  try {
    return engineOf(session, shape);
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

function engineOf(session: OnnxSession, { features, task, outputs }: OnnxEngineShape): OnnxEngine {
  const graph = interfaceOf(session);
  if (graph.batching !== "rows") throw mismatch("its inputs and outputs have no first axis of any extent");
  const places = placesOf(graph.inputs, features);
  const answer = answerOf(graph.outputs, { task, outputs });
  const width = features.length;
  const filled = graph.inputs.map((input, at) => ({
    ...input,
    shape: input.shape.includes(-1) ? [places[at]!.length] : input.shape,
  }));

  let asked: WarmedSession = { session, counts: undefined };

  async function predictRows(values: Float64Array, rows: number): Promise<Float64Array> {
    if (rows === 0) return new Float64Array(0);
    const inputs = Object.fromEntries(
      graph.inputs.map((input, at) => [
        input.name,
        gather(input, { values, rows, width, places: places[at]! }),
      ]),
    );
    const result = await asked.session.run(inputs, { outputs: [answer.name], giveAway: true });
    const { data, shape } = result[answer.name]!;
    if (shape[0] !== rows || data.length !== rows * answer.stride)
      throw mismatch(`it answers ${rows} rows with the shape [${shape.join(", ")}]`);
    const predictions = new Float64Array(rows * outputs);
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < outputs; k++)
        predictions[row * outputs + k] = Number(data[row * answer.stride + answer.first + k]!) + 0;
    return predictions;
  }

  return {
    task,
    featureCount: width,
    outputs,
    predictRows,
    predictMatrix: async (matrix) => {
      checkColumns(features, matrix);
      const { rowCount } = matrix;
      const blockRows = Math.max(1, Math.min(MOST_BLOCK_ROWS, Math.floor(BLOCK_DOUBLES / width)));
      const predictions = new Float64Array(rowCount * outputs);
      for (let start = 0; start < rowCount; start += blockRows) {
        const rows = Math.min(blockRows, rowCount - start);
        const values = new Float64Array(rows * width);
        for (let column = 0; column < width; column++) {
          const own = matrix.values[column]!;
          for (let row = 0; row < rows; row++) values[row * width + column] = own[start + row]!;
        }
        predictions.set(await predictRows(values, rows), start * outputs);
      }
      return predictions;
    },
    warm: async (wanted) => {
      const whole = { batching: "rows", inputs: filled } as const;
      asked = await warmedSession(session, whole, { ...wanted, outputs: [answer.name] });
    },
    runCounts: () => asked.counts,
    close: () => session.close(),
  };
}

/** For each input the features that fill a row of it. */
function placesOf(
  inputs: readonly InstanceTensor[],
  features: readonly FeatureColumn[],
): readonly Int32Array[] {
  for (const { name, type } of inputs)
    if (type === "string" || type === "bool") throw mismatch(`its input "${name}" takes a ${type}`);
  const byName = new Map(features.map(({ name }, at) => [name, at]));
  const isNamed = inputs.every(({ name, shape }) => isSingle(shape) && byName.has(name));
  if (isNamed && inputs.length === features.length)
    return inputs.map(({ name }) => Int32Array.of(byName.get(name)!));
  // A graph that leaves the only extent of its only input open takes what it is given.
  const sizes = inputs.map(({ shape }) =>
    inputs.length === 1 && shape.length === 1 && shape[0] === -1 ? features.length : tensorSize(shape),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.some((size) => size < 0) || total !== features.length) {
    const described = inputs.map(({ name, shape }) => `"${name}" [n, ${shape.join(", ")}]`).join(", ");
    throw mismatch(`its inputs are ${described} and the plan makes ${features.length} features`);
  }
  let first = 0;
  return sizes.map((size) => {
    const start = first;
    first += size;
    return Int32Array.from({ length: size }, (_, i) => start + i);
  });
}

interface Answer {
  readonly name: string;
  /** Values of a row, and the first of those that answer. */
  readonly stride: number;
  readonly first: number;
}

function answerOf(
  declared: readonly InstanceTensor[],
  { task, outputs }: Pick<OnnxEngineShape, "task" | "outputs">,
): Answer {
  const floats = declared.filter(({ type, shape }) => type.startsWith("float") && shape.length <= 1);
  const ofWidth = (width: number) => floats.find(({ shape }) => tensorSize(shape) === width);
  const pair = task === "binary" ? ofWidth(2) : undefined;
  if (pair !== undefined) return { name: pair.name, stride: 2, first: 1 };
  const found = ofWidth(outputs);
  if (found !== undefined) return { name: found.name, stride: outputs, first: 0 };
  const described = declared.map(
    ({ name, type, shape }) => `"${name}" ${type}[${["n", ...shape].join(", ")}]`,
  );
  throw mismatch(
    `none of its outputs has ${outputs === 1 ? "one float" : `${outputs} floats`} in a row: ${described.join(", ")}`,
  );
}

/** The features of an input as its tensor. */
function gather(
  { type, shape }: InstanceTensor,
  from: {
    readonly values: Float64Array;
    readonly rows: number;
    readonly width: number;
    readonly places: Int32Array;
  },
): OnnxTensor {
  const { values, rows, width, places } = from;
  const full = [rows, ...(shape.includes(-1) ? [places.length] : shape)];
  if (type === "string") throw mismatch("an input takes texts");
  const data = new tensorArrays[type](rows * places.length);
  const isLong = data instanceof BigInt64Array || data instanceof BigUint64Array;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < places.length; i++) {
      const value = values[row * width + places[i]!]!;
      // An integer has no NaN; code −1 stands for what is missing or unknown, as in the plan's own dictionaries.
      data[at++] = (isLong ? BigInt(Number.isNaN(value) ? -1 : Math.trunc(value)) : value) as never;
    }
  }
  return { type, shape: full, data } as OnnxTensor;
}

function mismatch(fault: string): Error {
  return inferenceErrors.INFERENCE_GRAPH_MISMATCH.error(`the ONNX graph does not fit the bundle: ${fault}`, {
    details: { fault },
  });
}
