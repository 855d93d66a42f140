/** Upper bounds of a latency histogram's buckets: 2^0 … 2^24 µs (16.8 s). */
export const LATENCY_BUCKETS = 25;

/** Upper bound of each bucket, in seconds. */
export const latencyBounds: readonly number[] = Array.from(
  { length: LATENCY_BUCKETS },
  (_, bucket) => 2 ** bucket / 1e6,
);

/** The bucket that a latency belongs to; the one behind all bounds for what is longer. */
export function latencyBucket(microseconds: number): number {
  return Math.min(LATENCY_BUCKETS, 32 - Math.clz32(Math.ceil(microseconds) - 1));
}

/**
 * The latency below which a share of the requests stayed, in seconds, by straight lines within buckets as Prometheus'
 * `histogram_quantile` does it. Beyond all bounds it is the last of them.
 *
 * @param counts requests by bucket, not cumulative, `LATENCY_BUCKETS + 1` of them
 * @param share between 0 and 1
 * @returns undefined when there are no requests
 */
export function latencyQuantile(counts: ArrayLike<number>, share: number): number | undefined {
  let total = 0;
  for (let bucket = 0; bucket < counts.length; bucket++) total += counts[bucket]!;
  if (total <= 0) return undefined;
  const rank = share * total;
  let below = 0;
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    const here = counts[bucket]!;
    if (here > 0 && below + here >= rank) {
      const lower = bucket === 0 ? 0 : latencyBounds[bucket - 1]!;
      return lower + ((latencyBounds[bucket]! - lower) * (rank - below)) / here;
    }
    below += here;
  }
  return latencyBounds[LATENCY_BUCKETS - 1];
}
