import { describe, expect, it } from "vitest";
import {
  closeSteps,
  isFinished,
  isRunState,
  mayBecome,
  type RunState,
  type RunStep,
  withStep,
} from "./run.ts";

const states: RunState[] = [
  "queued",
  "running",
  "succeeded",
  "rejected",
  "failed",
  "cancelled",
  "interrupted",
];

describe("states of a run", () => {
  it("lead from queued over running to an end, and never on from there", () => {
    const allowed = states.flatMap((from) =>
      states.filter((to) => mayBecome(from, to)).map((to) => `${from} → ${to}`),
    );
    expect(allowed).toEqual([
      "queued → running",
      "queued → failed",
      "queued → cancelled",
      "queued → interrupted",
      "running → succeeded",
      "running → rejected",
      "running → failed",
      "running → cancelled",
      "running → interrupted",
    ]);
    expect(states.filter(isFinished)).toEqual(states.slice(2));
  });

  it("are told from other words", () => {
    expect(states.every(isRunState)).toBe(true);
    expect(["done", "toString", ""].some(isRunState)).toBe(false);
  });
});

describe("steps of a run", () => {
  const step = (name: string, state: RunStep["state"]): RunStep => ({
    name,
    state,
    startedAt: 100,
    durationMs: null,
  });

  it("are replaced by name and otherwise added in order", () => {
    const steps = [step("snapshot", "running"), step("features", "running")];
    expect(withStep(steps, step("train", "running")).map(({ name }) => name)).toEqual([
      "snapshot",
      "features",
      "train",
    ]);
    expect(withStep(steps, step("snapshot", "finished")).map(({ state }) => state)).toEqual([
      "finished",
      "running",
    ]);
  });

  it("that were in progress end with their run", () => {
    const steps = [step("snapshot", "finished"), step("train", "running")];
    expect(closeSteps(steps, { state: "failed", at: 350 })).toEqual([
      steps[0],
      { name: "train", state: "failed", startedAt: 100, durationMs: 250 },
    ]);
    expect(closeSteps(steps, { state: "interrupted", at: 350 })[1]?.state).toBe("interrupted");
  });
});
