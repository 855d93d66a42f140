import type { Forest } from "./forest.ts";

/** How the nodes of a feature read its values. */
export type SlotRule =
  /** Against thresholds; NaN is missing. */
  | { readonly kind: "threshold" }
  /** The same, but values within ± `zeroUpTo` are missing too. */
  | { readonly kind: "threshold, zero missing"; readonly zeroUpTo: number }
  /** A code in [0, codes); everything else is missing. */
  | { readonly kind: "code"; readonly codes: number }
  /**
   * The whole part of a number; NaN is missing, what is no code in [0, codes) is in no set. `single`: the number is rounded to
   * float32 first and may not be negative, else it may be above −1.
   */
  | { readonly kind: "whole part"; readonly codes: number; readonly single: boolean };

/** In what a forest of another origin differs from our own. */
export interface ForestWays {
  /** For each feature; by its kind when left out. */
  readonly rules?: readonly SlotRule[];
  /** Round after every addition to float32. */
  readonly single?: boolean;
}

export function ruleOf({ kind, cardinality }: Forest["features"][number]): SlotRule {
  return kind === "numeric" ? { kind: "threshold" } : { kind: "code", codes: cardinality };
}

export function hasCodes(rule: SlotRule): rule is Extract<SlotRule, { readonly codes: number }> {
  return rule.kind === "code" || rule.kind === "whole part";
}

/** The code of a category that is in no set. */
export const OTHER = -1;

/** A value as its rule sees it: NaN where it is missing, `OTHER` for a category that is in no set. */
export function normalised(rule: SlotRule, value: number): number {
  switch (rule.kind) {
    case "threshold":
      return value;
    case "threshold, zero missing":
      return value > rule.zeroUpTo || value < -rule.zeroUpTo ? value : Number.NaN;
    case "code":
      return value >= 0 && value < rule.codes && (value | 0) === value ? value : Number.NaN;
    case "whole part": {
      if (Number.isNaN(value)) return value;
      const number = rule.single ? Math.fround(value) : value;
      const isCode = (rule.single ? number >= 0 : number > -1) && number < rule.codes;
      return isCode ? Math.trunc(number) : OTHER;
    }
  }
}
