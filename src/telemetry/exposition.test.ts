import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { writeExposition } from "./exposition.ts";
import { LATENCY_BUCKETS, latencyBucket, latencyQuantile } from "./latency-buckets.ts";
import { mergeSnapshots } from "./merge-samples.ts";
import { type MetricSample, type MetricSnapshot, metricTable } from "./metric-table.ts";
import { parseExposition } from "./testing/parse-exposition.ts";

const label = fc.string({
  maxLength: 8,
  unit: fc.constantFrom("a", "é", '"', "\\", "\n", "{", ",", "=", "🛫"),
});
const count = fc.nat(1_000_000);
const sample: fc.Arbitrary<MetricSample> = fc.oneof(
  fc.record({
    name: fc.constant("slipway_predictions_total" as const),
    labels: fc.tuple(label, label, label, label),
    value: count,
  }),
  fc.record({
    name: fc.constant("slipway_connections" as const),
    labels: fc.constant([]),
    value: count,
  }),
  fc.record({
    name: fc.constant("slipway_predict_duration_seconds" as const),
    labels: fc.tuple(label, label, label, label),
    buckets: fc.array(count, { minLength: LATENCY_BUCKETS + 1, maxLength: LATENCY_BUCKETS + 1 }),
    sum: fc.double({ min: 0, max: 1e6, noNaN: true }),
  }),
);
const uniqueSamples = fc.uniqueArray(sample, {
  selector: ({ name, labels }) => JSON.stringify([name, labels]),
  maxLength: 6,
});
const snapshotOf = (pid: number, samples: readonly MetricSample[]): MetricSnapshot => ({
  incarnation: `worker ${pid}`,
  pid,
  writtenAt: 0,
  samples,
});

describe("the exposition", () => {
  it("is what the format says, whatever the labels are, and gives every number back", () => {
    fc.assert(
      fc.property(uniqueSamples, (samples) => {
        const read = parseExposition(writeExposition(mergeSnapshots([snapshotOf(7, samples)])));
        for (const { name, labels, ...given } of samples) {
          const names: readonly string[] = metricTable[name].labels;
          const expected: Record<string, string> = Object.fromEntries(
            names.map((key, at) => [key, labels[at]!]),
          );
          if (metricTable[name].over === "each") expected.worker = "7";
          if ("value" in given) expect(read.value(name, expected)).toBe(given.value);
          else {
            const total = given.buckets.reduce((sum, own) => sum + own, 0);
            expect(read.value(`${name}_count`, expected)).toBe(total);
            expect(read.value(`${name}_bucket`, { ...expected, le: "+Inf" })).toBe(total);
            expect(read.value(`${name}_sum`, expected)).toBe(given.sum);
          }
        }
      }),
    );
  });

  it("adds up what several workers counted, those that have ended too, and keeps their gauges apart", () => {
    const labels = ["late", "1", "champion", "http_v1"];
    const counted = (value: number): MetricSample => ({ name: "slipway_predictions_total", labels, value });
    const text = writeExposition(
      mergeSnapshots(
        [
          snapshotOf(1, [counted(10), { name: "slipway_connections", labels: [], value: 3 }]),
          snapshotOf(2, [counted(5), { name: "slipway_connections", labels: [], value: 4 }]),
        ],
        [counted(100)],
      ),
    );
    expect(text).toContain(
      'slipway_predictions_total{model="late",version="1",arm="champion",protocol="http_v1"} 115\n',
    );
    expect(text).toContain('slipway_connections{worker="1"} 3\nslipway_connections{worker="2"} 4\n');
  });
});

describe("latencies", () => {
  it("fall into the bucket whose bound is the first at or above them", () => {
    expect([0.5, 1, 1.5, 2, 3, 1e9].map(latencyBucket)).toEqual([0, 0, 1, 1, 2, LATENCY_BUCKETS]);
  });

  it("have quantiles between the bounds of the bucket that holds them", () => {
    expect(latencyQuantile(new Float64Array(LATENCY_BUCKETS + 1), 0.5)).toBeUndefined();
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 ** 24 }), { minLength: 1, maxLength: 50 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (latencies, share) => {
          const buckets = new Float64Array(LATENCY_BUCKETS + 1);
          for (const latency of latencies) buckets[latencyBucket(latency)]!++;
          const exact = latencies.toSorted((a, b) => a - b)[Math.ceil(share * latencies.length - 1e-9) - 1]!;
          const found = latencyQuantile(buckets, share)! * 1e6;
          expect(found).toBeLessThanOrEqual(exact * 2 + 1);
          expect(found).toBeGreaterThanOrEqual(exact / 2 - 1);
        },
      ),
    );
  });
});

describe("the table of metrics", () => {
  it("follows the naming rules of Prometheus", () => {
    for (const [name, { type, help }] of Object.entries(metricTable)) {
      expect(name).toMatch(/^(slipway|process)_[a-z][a-z0-9_]*$/);
      expect(name.endsWith("_total"), name).toBe(type === "counter");
      expect(name).not.toMatch(/_(ms|milliseconds|micros|kb|mb|percent)\b/);
      expect(help).toMatch(/\.$/);
    }
  });
});
