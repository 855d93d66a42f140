export const runSteps = [
  "snapshot",
  "validate",
  "features",
  "train",
  "evaluate",
  "gates",
  "register",
] as const;

/** The steps of a run, in order. */
export type RunStep = (typeof runSteps)[number];

/** What a run reports while it works. Durations in milliseconds. */
export type RunEvent =
  | {
      readonly kind: "step";
      readonly step: RunStep;
      readonly state: "running" | "finished" | "reused" | "failed";
      readonly index: number;
      readonly of: number;
      readonly detail?: string;
      /** Lines about what was found that somebody should read. */
      readonly notes?: readonly string[];
      readonly durationMs?: number;
    }
  | {
      readonly kind: "progress";
      /** Of a run, or what another job does. */
      readonly step: RunStep | "replay" | "read" | "predict" | "compare" | "write" | "backup" | "restore";
      readonly done: number;
      readonly of?: number;
      readonly unit?: string;
    }
  | {
      readonly kind: "iteration";
      readonly iteration: number;
      readonly of: number;
      readonly metric: string;
      readonly train: number | null;
      readonly validate: number | null;
    }
  | {
      /** What the program of a `command` trainer printed, and what is said about it. */
      readonly kind: "log";
      readonly stream: "stdout" | "stderr" | "slipway";
      readonly lines: readonly string[];
    };

export type ReportRun = (event: RunEvent) => void;
