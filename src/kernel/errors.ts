import { defineErrors } from "./slipway-error.ts";

export const kernelErrors = defineErrors({
  KERNEL_NOT_CANONICAL: {
    kind: "invalid",
    doc: "A value that must be digested cannot be written as canonical JSON.",
  },
  KERNEL_BAD_DIGEST: {
    kind: "invalid",
    doc: "A text that should be a sha256 digest is not 64 lower-case hexadecimal digits.",
  },
  KERNEL_BAD_TIME: {
    kind: "invalid",
    doc: "A time is not ISO 8601, or lies outside the years 0000 to 9999.",
  },
});
