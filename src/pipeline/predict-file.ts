import { type CodeTrust, type OpenBundle, openBundle, trustedCode } from "../bundle/index.ts";
import { type Extended, extendFile, type FilePlace, type ReadingRules } from "../datasets/index.ts";
import { compilePlan, type FeatureKernel, type FeaturePlan, openCustomFunctions } from "../features/index.ts";
import type { Digest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { createFilePast, type FileHistory } from "./file-past.ts";
import { type FilePredictor, openFilePredictor } from "./file-predictor.ts";
import type { ReportRun } from "./run-event.ts";

export interface PredictFileRequest extends FilePlace {
  readonly model: string;
  readonly version: number;
  readonly bundle: Digest;
  /** Absolute path of a CSV, TSV, NDJSON or Parquet file. */
  readonly file: string;
  readonly rules: ReadingRules;
  /** Which columns of the file are written too; all without it. */
  readonly keep?: readonly string[];
  /**
   * Name of the column of predictions; where a model has several outputs, what their columns begin with:
   * `prediction_<class>`, or `prediction_0`, …. One more, `<name>_by`, says by which version: `churn@3`.
   */
  readonly column: string;
}

export interface PredictFilePorts {
  readonly blobs: BlobStore;
  /** Whether the custom code of the bundle may run. Default: it may not. */
  readonly trust?: CodeTrust;
  readonly report: ReportRun;
  readonly signal?: AbortSignal;
}

export interface PredictedFile extends Extended {
  /** What came before the first row, for models with windows over the past. */
  readonly history?: FileHistory;
}

/** Of the table engine. What it cannot hold within this it puts into scratch files. */
const ENGINE_BYTES = 384 * 1024 * 1024;
/** More threads of the table engine would hold more row groups at once. */
const ENGINE_THREADS = 2;
const LEAST_BLOCK_ROWS = 2048;
const MOST_BLOCK_ROWS = 65_536;
/** Of the feature matrix of one block. */
const BLOCK_DOUBLES = 4 * 1024 * 1024;

/**
 * Predicts every row of a file by one version, bit for bit as the server would predict the same values, and writes the
 * predictions beside the rows. Memory does not depend on the number of rows: the table engine has 384 MB, a block of rows
 * makes a feature matrix of at most 32 MB (or 2,048 rows where a plan has more than 2,048 outputs), the model its own size
 * and its windows what they hold at one time.
 *
 * @throws DATASETS_* naming what is wrong with the file, BUNDLE_*, FEATURES_*, INFERENCE_* for a bundle that cannot predict
 */
export async function predictFile(
  request: PredictFileRequest,
  ports: PredictFilePorts,
): Promise<PredictedFile> {
  const bundle = await openBundle(ports.blobs, request.bundle);
  const functions = openCustomFunctions(await trustedCode(bundle, ports.trust));
  const kernel = compilePlan(bundle.plan as unknown as FeaturePlan, functions);
  const predictor = await openFilePredictor(bundle, kernel);
  try {
    return await predictBy(predictor, { request, ports, bundle, kernel });
  } finally {
    await predictor.close();
  }
}

async function predictBy(
  predictor: FilePredictor,
  to: {
    readonly request: PredictFileRequest;
    readonly ports: PredictFilePorts;
    readonly bundle: OpenBundle;
    readonly kernel: FeatureKernel;
  },
): Promise<PredictedFile> {
  const { request, ports, bundle, kernel } = to;
  const { model, version, column } = request;
  const { outputs } = predictor;
  const by = `${model}@${version}`;
  const past = createFilePast(kernel, bundle.windows);
  const blockRows = Math.floor(BLOCK_DOUBLES / Math.max(1, predictor.rowWidth));
  const extended = await extendFile({
    ...request,
    wanted: [...predictor.wanted, ...past.labels],
    added: {
      names: outputs.length === 0 ? [column] : outputs.map((name) => `${column}_${name}`),
      constant: { name: `${column}_by`, value: by },
      notes: {
        "slipway.model": model,
        "slipway.version": String(version),
        "slipway.bundle": bundle.digest,
        "slipway.column": column,
      },
    },
    compute: (block) => predictor.predict(past.withColumns(block)),
    blockRows: Math.min(MOST_BLOCK_ROWS, Math.max(LEAST_BLOCK_ROWS, blockRows)),
    threads: ENGINE_THREADS,
    memoryBytes: ENGINE_BYTES,
    blobs: ports.blobs,
    ...(ports.signal === undefined ? {} : { signal: ports.signal }),
    onProgress: ({ stage, rows, of }) =>
      ports.report({
        kind: "progress",
        step: stage === "compute" ? "predict" : stage,
        done: rows,
        unit: "rows",
        ...(of === undefined ? {} : { of }),
      }),
  });
  const history = past.history();
  return { ...extended, ...(history === undefined ? {} : { history }) };
}
