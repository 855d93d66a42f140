import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ProgressEvent } from "../wire/index.ts";
import { openProgress } from "./progress.ts";

const step = (name: string, state: "running" | "finished" | "failed", detail?: string): ProgressEvent => ({
  kind: "step",
  step: name,
  state,
  index: 1,
  of: 2,
  durationMs: 1200,
  ...(detail === undefined ? {} : { detail }),
});

function open(live: boolean) {
  let now = 0;
  let text = "";
  const err = {
    write: (part: string) => {
      text += part;
    },
    paint: (_style: string, part: string) => part,
    live,
    width: () => 80,
  };
  const progress = openProgress({ err, label: "training", clock: () => now });
  return {
    progress,
    text: () => text,
    pass: (ms: number) => {
      now += ms;
      vi.advanceTimersByTime(ms);
    },
  };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("progress on a terminal", () => {
  it("stays still for a second, then moves, and leaves nothing behind", () => {
    const { progress, text, pass } = open(true);
    progress.onProgress({
      kind: "iteration",
      iteration: 25,
      of: 100,
      metric: "logLoss",
      train: 0.6,
      validate: 0.65,
    });
    pass(900);
    expect(text()).toBe("");
    pass(300);
    expect(text()).toContain("25/100  logLoss train 0.6000, validate 0.6500");
    expect(text()).toContain("██░░░░░░  25/100");
    progress.close();
    expect(text().endsWith("\r\x1b[2K")).toBe(true);
  });

  it("keeps a line for each finished step", () => {
    const { progress, text } = open(true);
    progress.onProgress(step("snapshot", "running"));
    progress.onProgress(step("snapshot", "finished", "7,043 rows"));
    progress.onProgress(step("train", "failed"));
    progress.close();
    expect(text()).toBe("✓ snapshot    7,043 rows  1.2 s\n✗ train       1.2 s\n");
  });

  it("never wraps its line", () => {
    const { progress, text, pass } = open(true);
    progress.onProgress({
      kind: "progress",
      step: "x",
      done: 123_456_789,
      of: 987_654_321,
      unit: "u".repeat(80),
    });
    pass(1500);
    for (const line of text().split("\r\x1b[2K")) expect(line.length).toBeLessThan(80);
    progress.close();
  });
});

describe("progress in a pipe", () => {
  it("is a line now and then, without control characters", () => {
    const { progress, text, pass } = open(false);
    for (let done = 1; done <= 12; done++) {
      progress.onProgress({ kind: "progress", step: "reading", done: done * 1000, of: 12_000, unit: "rows" });
      pass(1000);
    }
    progress.close();
    expect(text()).toBe("  training: 6,000 of 12,000 rows\n  training: 11,000 of 12,000 rows\n");
  });
});
