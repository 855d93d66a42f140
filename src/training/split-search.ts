import { findCategoricalSplit } from "./categorical-split.ts";
import { findNumericSplit } from "./numeric-split.ts";
import type { SearchContext, SearchTarget, SplitCandidate } from "./split-candidate.ts";

/**
 * Sets `best` to the best split of one feature, whose histogram lies at `target.at`; its gain is 0 when the feature has
 * none. Among equal gains the highest threshold wins.
 */
export function searchFeature(context: SearchContext, target: SearchTarget, best: SplitCandidate): void {
  best.gain = 0;
  best.feature = -1;
  if (target.feature.kind === "categorical") findCategoricalSplit(context, target, best);
  else findNumericSplit(context, target, best);
}
