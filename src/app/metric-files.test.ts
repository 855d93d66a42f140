import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { type MetricSnapshot, mergeSnapshots } from "../telemetry/index.ts";
import { readMachineMetrics, retireEndedWorkers, writeMetricSnapshot } from "./metric-files.ts";
import { openWorkerMetrics } from "./worker-metrics.ts";

const root = mkdtempSync(join(tmpdir(), "slipway-metrics-"));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = (): string => mkdtempSync(join(root, "machine-"));

/** Above the largest process id there can be. */
const NOBODY = 2 ** 30;
const snapshot = (
  incarnation: string,
  given: { pid?: number; requests: number; at?: number },
): MetricSnapshot => ({
  incarnation,
  pid: given.pid ?? process.pid,
  writtenAt: given.at ?? 0,
  samples: [
    { name: "slipway_requests_total", labels: [], value: given.requests },
    { name: "slipway_connections", labels: [], value: 1 },
  ],
});

async function requestsOf(directory: string): Promise<number> {
  const { snapshots, retired } = await readMachineMetrics(directory);
  const counted = mergeSnapshots(snapshots, retired).find(
    ({ sample }) => sample.name === "slipway_requests_total",
  );
  return counted !== undefined && "value" in counted.sample ? counted.sample.value : 0;
}

describe("the counts of a machine", () => {
  it("keep what ended workers counted, and only the files of those that live", async () => {
    const directory = fresh();
    const clock = () => 1_000;
    await writeMetricSnapshot(directory, snapshot("alive", { requests: 5, at: 900 }));
    await writeMetricSnapshot(directory, snapshot("dead", { pid: NOBODY, requests: 7 }));
    expect(await requestsOf(directory)).toBe(12);
    await retireEndedWorkers(directory, clock);
    expect(await requestsOf(directory)).toBe(12);
    expect(readdirSync(directory).sort()).toEqual(["alive.json", "retired.json"]);
    // Written by somebody who was slow to end: it counts already.
    await writeMetricSnapshot(directory, snapshot("dead", { pid: NOBODY, requests: 7 }));
    expect(await requestsOf(directory)).toBe(12);
    const { retired } = await readMachineMetrics(directory);
    expect(retired.map(({ name }) => name)).toEqual(["slipway_requests_total"]);
  });

  it("never go back, whoever counts, ends, is retired or is asked", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            worker: fc.nat(3),
            act: fc.constantFrom("count", "end", "retire", "read"),
            by: fc.nat(100),
          }),
          { maxLength: 25 },
        ),
        async (steps) => {
          const directory = fresh();
          const counts = [0, 0, 0, 0];
          const lives = [0, 0, 0, 0];
          let total = 0;
          const write = (worker: number, pid: number) =>
            writeMetricSnapshot(
              directory,
              snapshot(`${worker}-${lives[worker]}`, { pid, requests: counts[worker]! }),
            );
          for (const { worker, act, by } of steps) {
            if (act === "count") {
              counts[worker]! += by;
              total += by;
              await write(worker, process.pid);
            } else if (act === "end") {
              await write(worker, NOBODY);
              lives[worker]!++;
              counts[worker] = 0;
            } else if (act === "retire") await retireEndedWorkers(directory, () => 0);
            expect(await requestsOf(directory)).toBe(total);
          }
          rmSync(directory, { recursive: true });
        },
      ),
      { numRuns: 30 },
    );
  });

  it("include in the answer to a scrape what the answering worker has just counted", async () => {
    const directory = fresh();
    let requests = 0;
    const problems: unknown[] = [];
    const metrics = openWorkerMetrics({
      directory,
      incarnation: "me",
      startedAt: 0,
      clock: () => 1_000,
      samples: () => [{ name: "slipway_requests_total", labels: [], value: ++requests }],
      load: () => ({ cpu: 0.5, loopDelayMs: 2 }),
      onProblem: (problem) => problems.push(problem),
    });
    await writeMetricSnapshot(directory, snapshot("other", { requests: 10, at: 900, pid: process.ppid }));
    expect(await metrics.exposition()).toContain("slipway_requests_total 11\n");
    const text = await metrics.exposition();
    expect(text).toContain("slipway_requests_total 12\n");
    expect(text).toContain("slipway_workers 2\n");
    expect(text).toContain(`slipway_connections{worker="${process.ppid}"} 1\n`);
    expect(text).toMatch(/slipway_build_info\{version="[^"]+",node="[^"]+"\} 1\n/);
    expect(problems).toEqual([]);
  });
});
