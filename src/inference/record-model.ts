import type { Signature } from "../bundle/index.ts";
import type { RunCounts } from "./onnx/merged-session.ts";
import type { GraphAnswers } from "./onnx/read-answers.ts";
import type { WarmOptions } from "./onnx/warmed-session.ts";
import type { InstanceRecord, WrongInstance } from "./onnx/write-instances.ts";

/** A model that takes records as they are and answers later: an ONNX graph, or one at another server. Any number of calls may be open. */
export interface RecordModel {
  /** The interface that a bundle of this model has. */
  readonly signature: Signature;
  /**
   * Answers records that name the model's inputs. Rows of one call may differ in their last bits from the same rows in
   * another: sums may depend on the batch.
   *
   * @param onWrong throws for a record that is not one of the model's; see `writeInstances`
   * @throws INFERENCE_UNEVEN_ANSWER, INFERENCE_INEXACT_ANSWER, and INFERENCE_RUN_FAILED, INFERENCE_SESSION_* of a graph or
   *   INFERENCE_REMOTE_* of a server
   */
  predict(
    records: readonly InstanceRecord[],
    onWrong: (wrong: WrongInstance) => never,
  ): Promise<GraphAnswers>;
  /**
   * Runs the model on made-up instances, where that is of use, and lets calls be run together where that changes no bit.
   * @throws INFERENCE_SESSION_*
   */
  warm(options: WarmOptions): Promise<void>;
  /** Of a model whose calls may be run together. */
  runCounts(): RunCounts | undefined;
  close(): Promise<void>;
}
