import type { JsonValue } from "../kernel/index.ts";

export type RunState =
  | "queued"
  | "running"
  /** Finished, and its version passed the gates. */
  | "succeeded"
  /** Finished, and its version failed a gate. */
  | "rejected"
  | "failed"
  | "cancelled"
  /** Its process went away. */
  | "interrupted";

/** Where a run may go from each state. */
const NEXT: Readonly<Record<RunState, readonly RunState[]>> = {
  queued: ["running", "failed", "cancelled", "interrupted"],
  running: ["succeeded", "rejected", "failed", "cancelled", "interrupted"],
  succeeded: [],
  rejected: [],
  failed: [],
  cancelled: [],
  interrupted: [],
};

export type FinishedRunState = Exclude<RunState, "queued" | "running">;

export function isRunState(text: string): text is RunState {
  return Object.hasOwn(NEXT, text);
}

export function mayBecome(from: RunState, to: RunState): boolean {
  return NEXT[from].includes(to);
}

export function isFinished(state: RunState): boolean {
  return NEXT[state].length === 0;
}

export const UNFINISHED: readonly RunState[] = ["queued", "running"];

export type RunStepState = "waiting" | "running" | "finished" | "reused" | "failed" | "interrupted";

/** One step of a run's pipeline. */
export interface RunStep {
  readonly name: string;
  readonly state: RunStepState;
  /** Epoch milliseconds. */
  readonly startedAt: number | null;
  readonly durationMs: number | null;
  readonly detail?: string;
  /** Lines about what was found that somebody should read. */
  readonly notes?: readonly string[];
}

/** One execution of a model's pipeline. Times are epoch milliseconds. */
export interface Run {
  readonly id: string;
  readonly model: string;
  readonly state: RunState;
  readonly actor: string;
  /** Who executes it (a process), so that somebody can see that nobody does any more. */
  readonly owner: string | null;
  /** What was asked for, in the words of the pipeline. */
  readonly details: JsonValue;
  readonly steps: readonly RunStep[];
  /** What came of it: the version, or the error. */
  readonly outcome: JsonValue;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly updatedAt: number;
  readonly finishedAt: number | null;
}

/** Puts a step in the place of the one of the same name, or at the end. */
export function withStep(steps: readonly RunStep[], step: RunStep): RunStep[] {
  const index = steps.findIndex(({ name }) => name === step.name);
  return index < 0 ? [...steps, step] : steps.with(index, step);
}

/** What steps become when their run ends: those in progress were interrupted, or failed with it. */
export function closeSteps(
  steps: readonly RunStep[],
  end: { state: FinishedRunState; at: number },
): RunStep[] {
  return steps.map((step) => {
    if (step.state !== "running") return step;
    const durationMs = step.startedAt === null ? null : Math.max(0, end.at - step.startedAt);
    return { ...step, state: end.state === "failed" ? "failed" : "interrupted", durationMs };
  });
}
