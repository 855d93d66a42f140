import { type OpenBundle, outputWidth } from "../bundle/index.ts";
import type { FeatureKernel } from "../features/index.ts";
import {
  graphTable,
  ONNX_ENGINE,
  openMatrixPredictor,
  openOnnxModel,
  openRemoteModel,
  REMOTE_ENGINE,
  type RecordModel,
} from "../inference/index.ts";
import type { ColumnType, Table } from "../kernel/index.ts";

/** A bundle that predicts blocks of a file. */
export interface FilePredictor {
  /** The columns that it reads. */
  readonly wanted: readonly {
    readonly name: string;
    readonly type: ColumnType;
    readonly required: boolean;
  }[];
  /** What the numbers of a row are called; empty where there is one. */
  readonly outputs: readonly string[];
  /** Numbers that a row takes while it is predicted. */
  readonly rowWidth: number;
  /** As many numbers for each row as there are outputs. */
  predict(block: Table): Promise<Float64Array>;
  close(): Promise<void>;
}

/** @throws INFERENCE_*, INFERENCE_NOT_TABULAR for a graph whose tensors are no columns */
export async function openFilePredictor(
  { manifest, modelBytes, signature }: OpenBundle,
  kernel: FeatureKernel,
): Promise<FilePredictor> {
  if (manifest.engine === REMOTE_ENGINE) return await byRecords(openRemoteModel(modelBytes));
  const isGraph = manifest.engine === ONNX_ENGINE && kernel.outputs.length === 0;
  if (isGraph) return await byRecords(await openOnnxModel(modelBytes));
  const { task, classes } = signature.output;
  const predictor = await openMatrixPredictor({
    engine: manifest.engine,
    bytes: modelBytes,
    features: kernel.outputs,
    task,
    outputs: outputWidth(signature.output),
  });
  const { outputs } = predictor;
  return {
    wanted: kernel.inputs,
    outputs: outputs === 1 ? [] : Array.from({ length: outputs }, (_, at) => classes?.[at] ?? String(at)),
    rowWidth: kernel.outputs.length,
    predict: (block) => predictor.predictMatrix(kernel.evaluateTable(block)),
    close: () => predictor.close(),
  };
}

async function byRecords(model: RecordModel): Promise<FilePredictor> {
  try {
    const table = graphTable(model);
    let row = 1;
    return {
      wanted: table.columns.map((column) => ({ ...column, required: true })),
      outputs: table.outputs,
      // Records are objects: several words for each value.
      rowWidth: 8 * (table.columns.length + table.outputs.length),
      predict: async (block) => {
        const predictions = await table.predict(block, row);
        row += block.rowCount;
        return predictions;
      },
      close: () => model.close(),
    };
  } catch (thrown) {
    await model.close();
    throw thrown;
  }
}
