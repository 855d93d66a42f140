export type ToGuard =
  | {
      readonly kind: "start";
      readonly words: readonly string[];
      readonly workingDirectory: string;
      readonly environment: Record<string, string>;
      readonly graceMs: number;
      /** Removed when the run is gone. */
      readonly directory: string;
    }
  | { readonly kind: "stop" };

export type FromGuard =
  | { readonly kind: "started"; readonly pid: number }
  /** `code`: ENOENT, EACCES, … */
  | { readonly kind: "not-started"; readonly code: string }
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: string | null };
