import { defineErrors } from "../kernel/index.ts";

export const bundleErrors = defineErrors({
  BUNDLE_MISSING: { kind: "not-found", doc: "No bundle of this digest is stored." },
  BUNDLE_DAMAGED: {
    kind: "internal",
    doc: "A file of a bundle is missing, truncated or altered, or the bundle's manifest is not one.",
  },
  BUNDLE_UNSUPPORTED: {
    kind: "unsupported",
    doc: "The bundle was written in a format, or for a task, that this version does not know.",
  },
  BUNDLE_CODE_UNTRUSTED: {
    kind: "denied",
    doc: "A bundle holds custom code that this installation has not signed.",
  },
  BUNDLE_BAD_SIGNATURE: {
    kind: "invalid",
    doc: "A signature does not describe a model's inputs and output.",
  },
});
