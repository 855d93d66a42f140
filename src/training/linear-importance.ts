import { type Linear, linearTerms, slotOffsets } from "../inference/index.ts";
import type { FeatureMatrix } from "../kernel/index.ts";
import type { FeatureImportance } from "./trainer.ts";

/**
 * How much each feature of a linear model moves its score: the standard deviation over the rows of what it contributes.
 * The largest first; ties by position.
 */
export function linearImportance(model: Linear, { rowCount, values }: FeatureMatrix): FeatureImportance[] {
  const offsets = slotOffsets(model.features)!;
  const term = linearTerms(model);
  const importance = model.features.map(({ name }, i) => {
    const column = values[i]!;
    let sum = 0;
    for (let row = 0; row < rowCount; row++) sum += term(i, column[row]!);
    const mean = sum / rowCount;
    let squares = 0;
    for (let row = 0; row < rowCount; row++) {
      const distance = term(i, column[row]!) - mean;
      squares += distance * distance;
    }
    return { feature: name, gain: Math.sqrt(squares / rowCount), splits: 0 };
  });
  let feature = 0;
  for (const slot of model.slots) {
    while (slot >= offsets[feature + 1]!) feature++;
    importance[feature]!.splits++;
  }
  return importance.sort((a, b) => b.gain - a.gain);
}
