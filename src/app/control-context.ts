import type { Clock } from "../kernel/index.ts";
import type { Registry } from "../registry/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { LogUse } from "./log-use.ts";
import type { ProjectLocation } from "./project-location.ts";
import type { StateDirectory } from "./state-directory.ts";

/** What `slipway up` runs around a control plane. Addresses are URLs, times epoch milliseconds. */
export interface ServerFacts {
  readonly supervisorPid: number;
  /** How often the control plane was started again. */
  readonly restarts: number;
  readonly startedAt: number;
  readonly console: string | null;
  readonly predictions: string;
  readonly grpc: string | null;
}

/** What the handlers of control operations work with. */
export interface ControlContext {
  readonly location: ProjectLocation;
  readonly state: StateDirectory;
  readonly registry: Registry;
  readonly databaseKind: "sqlite" | "postgresql";
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Fires when the control plane closes; runners stop then. */
  readonly closing: AbortSignal;
  readonly server: (() => ServerFacts) | undefined;
  /** Whoever reads the prediction log says so. */
  readonly logUse: LogUse;
  readonly publishRouting: () => Promise<void>;
}

/** Epoch milliseconds as control operations give them. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
