import { canonicalJson, type FeatureColumn, type SlipwayError } from "../kernel/index.ts";
import { inferenceErrors } from "./errors.ts";

/**
 * The header of a model file, which must be canonical JSON, so that one model has exactly one spelling.
 *
 * @param what what the header is to describe, for the message: "a forest"
 * @throws INFERENCE_DAMAGED_MODEL
 */
export function parseHeader<Header>(
  bytes: Uint8Array,
  what: string,
  isHeader: (value: unknown) => value is Header,
): Header {
  let header: unknown;
  let canonical: boolean;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
    canonical = canonicalJson(header) === text;
  } catch (cause) {
    throw damagedModel("its header is not JSON", cause);
  }
  if (!canonical) throw damagedModel("its header is not canonical JSON");
  if (!isHeader(header)) throw damagedModel(`its header does not describe ${what}`);
  return header;
}

export function isFeatureColumn(value: unknown): value is FeatureColumn {
  if (typeof value !== "object" || value === null) return false;
  const feature = value as Record<keyof FeatureColumn, unknown>;
  return (
    Object.keys(feature).length === 3 &&
    typeof feature.name === "string" &&
    (feature.kind === "numeric" || feature.kind === "categorical") &&
    isCount(feature.cardinality)
  );
}

export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff;
}

export function damagedModel(what: string, cause?: unknown): SlipwayError {
  return inferenceErrors.INFERENCE_DAMAGED_MODEL.error(`the model is damaged: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "Fetch the bundle again, rebuild the version with `slipway reproduce`, or import the model again.",
  });
}
