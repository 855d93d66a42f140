import { DistinctSketch } from "./distinct-sketch.ts";
import { checkHistogram, type HistogramDocument, NumberHistogram } from "./number-histogram.ts";

/** What is known about a set of numbers. `min`, `max`, `mean` and `m2` are null without values, or where they overflow. */
export interface NumberSummary {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Sum of squared deviations from the mean; the variance is `m2 / count`. */
  readonly m2: number | null;
  readonly histogram: HistogramDocument;
  /** Estimated number of different values. */
  readonly distinct: number;
  /** The registers behind `distinct`, base64. */
  readonly sketch: string;
}

/**
 * Summarises numbers block by block. Sums run in row order within a block and blocks are merged in order by the pairwise
 * formula of Chan, Golub & LeVeque (1979), so the same blocks in the same order give the same bits everywhere.
 */
export class NumberAccumulator {
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #mean = 0;
  #m2 = 0;
  readonly #histogram = new NumberHistogram();
  readonly #sketch = new DistinctSketch();
  /** A block's values without the missing ones. */
  #present = new Float64Array(0);

  /** @param nulls ascending indices of values that are missing */
  addBlock(values: Float64Array, nulls: Uint32Array): void {
    const present = nulls.length === 0 ? values : this.#withoutGaps(values, nulls);
    const count = present.length;
    if (count === 0) return;
    let sum = 0;
    let min = this.#min;
    let max = this.#max;
    for (let i = 0; i < count; i++) {
      const value = present[i]!;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#min = min;
    this.#max = max;
    const words = new Int32Array(present.buffer, present.byteOffset, count * 2);
    this.#histogram.addDoubles(words, 0, count);
    this.#sketch.addDoubles(words, 0, count);
    const mean = sum / count;
    this.#mergeMoments(count, mean, squaredDeviations(present, mean));
  }

  /** @throws PROFILE_BAD_DOCUMENT */
  merge(other: NumberSummary): void {
    checkHistogram(other.histogram);
    this.#histogram.merge(other.histogram);
    this.#sketch.merge(DistinctSketch.decode(other.sketch));
    if (other.count === 0) return;
    this.#min = Math.min(this.#min, other.min ?? Number.NEGATIVE_INFINITY);
    this.#max = Math.max(this.#max, other.max ?? Number.POSITIVE_INFINITY);
    this.#mergeMoments(other.count, other.mean ?? Number.NaN, other.m2 ?? Number.NaN);
  }

  summary(): NumberSummary {
    return {
      count: this.#count,
      min: finite(this.#min),
      max: finite(this.#max),
      mean: this.#count === 0 ? null : finite(this.#mean),
      m2: this.#count === 0 ? null : finite(this.#m2),
      histogram: this.#histogram.toDocument(),
      distinct: Math.min(this.#sketch.estimate(), this.#count),
      sketch: this.#sketch.encode(),
    };
  }

  /** Histogram and sketch have a cost for each run of values that they are given, so that they get one. */
  #withoutGaps(values: Float64Array, nulls: Uint32Array): Float64Array {
    if (this.#present.length < values.length) this.#present = new Float64Array(values.length);
    const present = this.#present;
    let filled = 0;
    let from = 0;
    for (let gap = 0; gap <= nulls.length; gap++) {
      const to = gap < nulls.length ? nulls[gap]! : values.length;
      for (let i = from; i < to; i++) present[filled++] = values[i]!;
      from = to + 1;
    }
    return present.subarray(0, filled);
  }

  #mergeMoments(count: number, mean: number, m2: number): void {
    const total = this.#count + count;
    const delta = mean - this.#mean;
    this.#mean = this.#count === 0 ? mean : this.#mean + (delta * count) / total;
    this.#m2 = this.#count === 0 ? m2 : this.#m2 + m2 + delta * delta * ((this.#count * count) / total);
    this.#count = total;
  }
}

function squaredDeviations(values: Float64Array, mean: number): number {
  let m2 = 0;
  for (let i = 0; i < values.length; i++) {
    const deviation = values[i]! - mean;
    m2 += deviation * deviation;
  }
  return m2;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
