import type { Waiting } from "./prediction-log.ts";
import type { ThreadedAnswers } from "./threaded-model.ts";

/** The instances of one request. */
export interface Instances {
  readonly records: readonly Readonly<Record<string, unknown>>[];
  /** The same records as JSON, as they were received; without it they are written anew for the log. */
  readonly json: Uint8Array | undefined;
}

export interface Prediction {
  readonly id: string;
  /** Outputs of an instance. */
  readonly width: number;
  /** `width` for each instance, one instance after the other. */
  readonly outputs: readonly number[];
  /** Of a model with windows: the number of the last event of the stream that they had seen. */
  readonly streamSequence?: number;
}

/** What a model on a thread of its own answered. */
export interface ThreadedPrediction extends Prediction, Pick<ThreadedAnswers, "texts" | "tensors"> {}

/** What is to be predicted, when everything that must be found out first has been. */
export interface ResolvedRequest {
  readonly instances: Instances;
  readonly waiting: Waiting;
  /** For each instance its derived values that come from images. */
  readonly images?: readonly Float64Array[] | undefined;
}

export type ResolvedInstances = Pick<Instances, "records"> & Pick<ResolvedRequest, "images">;
