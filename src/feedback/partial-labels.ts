import type { LabelArrived } from "../stream/index.ts";

/** So many predictions are remembered; those that have waited longest are given up. */
const MOST_PREDICTIONS = 100_000;

/** What is known of predictions whose windows wait for other labels, by prediction. */
export class PartialLabels {
  readonly #labels = new Map<string, LabelArrived["labels"]>();

  get(predictionId: string): LabelArrived["labels"] | undefined {
    return this.#labels.get(predictionId);
  }

  /** @param labels undefined when nobody waits any more */
  set(predictionId: string, labels: LabelArrived["labels"] | undefined): void {
    this.#labels.delete(predictionId);
    if (labels === undefined) return;
    this.#labels.set(predictionId, labels);
    const oldest = this.#labels.keys().next();
    if (this.#labels.size > MOST_PREDICTIONS && !oldest.done) this.#labels.delete(oldest.value);
  }
}
