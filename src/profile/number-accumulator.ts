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

  /** @param nulls ascending indices of values that are missing */
  addBlock(values: Float64Array, nulls: Uint32Array): void {
    const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    let sum = 0;
    let min = this.#min;
    let max = this.#max;
    let from = 0;
    for (let gap = 0; gap <= nulls.length; gap++) {
      const to = gap < nulls.length ? nulls[gap]! : values.length;
      for (let i = from; i < to; i++) {
        const value = values[i]!;
        sum += value;
        if (value < min) min = value;
        if (value > max) max = value;
      }
      this.#histogram.addDoubles(words, from, to);
      this.#sketch.addDoubles(words, from, to);
      from = to + 1;
    }
    this.#min = min;
    this.#max = max;
    const count = values.length - nulls.length;
    if (count === 0) return;
    const mean = sum / count;
    this.#mergeMoments(count, mean, squaredDeviations(values, nulls, mean));
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

  #mergeMoments(count: number, mean: number, m2: number): void {
    const total = this.#count + count;
    const delta = mean - this.#mean;
    this.#mean = this.#count === 0 ? mean : this.#mean + (delta * count) / total;
    this.#m2 = this.#count === 0 ? m2 : this.#m2 + m2 + delta * delta * ((this.#count * count) / total);
    this.#count = total;
  }
}

function squaredDeviations(values: Float64Array, nulls: Uint32Array, mean: number): number {
  let m2 = 0;
  let from = 0;
  for (let gap = 0; gap <= nulls.length; gap++) {
    const to = gap < nulls.length ? nulls[gap]! : values.length;
    for (let i = from; i < to; i++) {
      const deviation = values[i]! - mean;
      m2 += deviation * deviation;
    }
    from = to + 1;
  }
  return m2;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
