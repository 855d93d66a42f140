import { type Ensemble, splitKinds } from "../../ensemble/ensemble.ts";
import { atMostInFloat32 } from "../float32-threshold.ts";
import { unsupported } from "../origin-model.ts";
import type { Attributes } from "./graph.ts";

/** What a Scaler makes of each input: (x − offset) · scale in float32. */
export interface Scaling {
  readonly offsets: readonly number[];
  readonly scales: readonly number[];
}

/** @throws INFERENCE_UNSUPPORTED_MODEL for factors that turn the order of values around */
export function readScaling({ attributes, width }: { attributes: Attributes; width: number }): Scaling {
  const spread = (name: string): number[] => {
    const values = attributes.floats(name);
    if (values.length !== 1 && values.length !== width)
      throw unsupported("onnx", `a Scaler with ${values.length} values of ${name} for ${width} inputs`);
    return values.length === width ? values : new Array<number>(width).fill(values[0]!);
  };
  const scaling = { offsets: spread("offset"), scales: spread("scale") };
  if (!scaling.scales.every((scale) => scale > 0 && scale < Number.POSITIVE_INFINITY))
    throw unsupported("onnx", "a Scaler whose scale is not above 0");
  if (!scaling.offsets.every(Number.isFinite))
    throw unsupported("onnx", "a Scaler whose offset is not finite");
  return scaling;
}

/** The ensemble that reads inputs as they are before scaling: every threshold moves to where scaling takes it from. */
export function beforeScaling<Trees extends Omit<Ensemble, "features">>(
  trees: Trees,
  scaling: Scaling,
): Trees {
  const nodeThreshold = trees.nodeThreshold.map((threshold, node) => {
    if (trees.nodeKind[node] !== splitKinds.atMost)
      throw unsupported("onnx", "a Scaler before trees that compare for equality");
    const feature = trees.nodeFeature[node]!;
    return unscaled(threshold, { offset: scaling.offsets[feature]!, scale: scaling.scales[feature]! });
  });
  return { ...trees, nodeThreshold };
}

const SINGLE = new Float32Array(1);
const BITS = new Int32Array(SINGLE.buffer);
const INFINITY_BITS = 0x7f800000;

/** The float32 that is the n-th above 0, or the −n-th below it: from −∞ to ∞ in their order. */
function float32At(n: number): number {
  BITS[0] = n < 0 ? -n : n;
  return n < 0 ? -SINGLE[0]! : SINGLE[0]!;
}

/** The largest double x for which the scaled float32 of x is at most `threshold`. Scaling keeps the order of values. */
function unscaled(threshold: number, { offset, scale }: { offset: number; scale: number }): number {
  const isAtMost = (n: number): boolean =>
    Math.fround(Math.fround(float32At(n) - Math.fround(offset)) * Math.fround(scale)) <= threshold;
  let low = -INFINITY_BITS;
  let high = INFINITY_BITS;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isAtMost(middle)) low = middle;
    else high = middle - 1;
  }
  return atMostInFloat32(float32At(low));
}
