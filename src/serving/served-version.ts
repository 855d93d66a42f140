import type { Signature } from "../bundle/index.ts";
import type { Digest } from "../kernel/index.ts";

/** How a model is named in a request; nothing means its champion. */
export interface VersionSelector {
  readonly version?: number;
  readonly label?: string;
}

/** One arm of a model: a loaded version that answers requests. */
export interface ServedVersion {
  readonly model: string;
  readonly version: number;
  /** `champion`, or `version` for one that is served beside it. */
  readonly arm: string;
  readonly bundle: Digest;
  readonly signature: Signature;
  /** Which inference engine runs its model. */
  readonly engine: string;
  /**
   * `inline` models are asked by `predict`; those that run `on-thread`, and those that look into images first, by
   * `predictOnThread`.
   */
  readonly runs: "inline" | "on-thread";
  /** Whether its features look at the past. */
  readonly hasWindows: boolean;
}

export interface ModelStatus {
  readonly name: string;
  /** The version that answers requests which name none; undefined while there is none to answer them. */
  readonly champion: number | undefined;
  readonly ready: boolean;
  readonly versions: readonly VersionStatus[];
}

export interface VersionStatus {
  readonly version: number;
  readonly bundle: Digest;
  readonly state: "available" | "failed";
  /** Why it is not available. */
  readonly problem?: string;
}

/** How requests to one version were run together since it was loaded. */
export interface ModelRuns {
  readonly model: string;
  readonly version: number;
  readonly runs: number;
  /** Requests that they answered, and their rows. */
  readonly calls: number;
  readonly rows: number;
}
