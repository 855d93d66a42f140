import { defineErrors } from "../kernel/index.ts";

export const profileErrors = defineErrors({
  PROFILE_BAD_DOCUMENT: { kind: "invalid", doc: "A document is not a profile." },
  PROFILE_DIFFERENT_COLUMNS: {
    kind: "invalid",
    doc: "Two profiles cannot be merged because their columns differ.",
  },
});
