import type { TailedFrame } from "../storage/index.ts";
import {
  decodePrediction,
  decodeSeal,
  hasWindows,
  KIND_SEAL,
  type PredictionFrame,
  peekFrame,
} from "./prediction-frame.ts";

/** What one worker acknowledged at once, of models with windows. */
export interface SealedGroup {
  /** Epoch milliseconds; undefined when no prediction of the group is by a model with windows. */
  readonly time: number | undefined;
  readonly predictions: readonly PredictionFrame[];
  /** Behind its seal. */
  readonly end: { readonly number: number; readonly offset: number };
}

/**
 * Gathers the frames of one worker's prediction log into groups. A group is handed out with its seal: what has none was
 * never acknowledged, or is being written.
 */
export class SealedGroups {
  #open: { readonly sequence: number; readonly frame: Buffer }[] = [];

  /** The next frame of the log. @throws SERVING_BAD_FRAME */
  take({ frame, number, end }: TailedFrame): SealedGroup | undefined {
    const { kind, sequence } = peekFrame(frame);
    if (kind !== KIND_SEAL) {
      if (hasWindows(frame)) this.#open.push({ sequence, frame });
      return undefined;
    }
    const { firstSequence } = decodeSeal(frame);
    const predictions = this.#open
      .filter((prediction) => prediction.sequence >= firstSequence)
      .map((prediction) => decodePrediction(prediction.frame));
    this.#open = [];
    return { time: predictions[0]?.time, predictions, end: { number, offset: end } };
  }
}
