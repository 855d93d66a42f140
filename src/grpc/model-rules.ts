import type { ServedVersion } from "../serving/index.ts";
import { type BodyLimits, type InputRules, inputRules } from "../wire/index.ts";

/** What a version's inputs must be, worked out once for each. */
export interface ModelRules {
  of(served: ServedVersion): InputRules;
}

export function modelRules(limits: BodyLimits): ModelRules {
  const known = new WeakMap<ServedVersion, InputRules>();
  return {
    of: (served) => {
      let rules = known.get(served);
      if (rules === undefined) {
        rules = inputRules(served.model, served.signature.inputs, {
          ...limits,
          unbatched: served.signature.unbatched === true,
        });
        known.set(served, rules);
      }
      return rules;
    },
  };
}
