import type { Digest, JsonValue } from "../kernel/index.ts";
import type { ProvenanceStep } from "./provenance.ts";

export type VersionStatus = "accepted" | "rejected";

/** The alias whose version answers predictions. */
export const CHAMPION = "champion";

/** A numbered bundle of a model, and where it came from. Times are epoch milliseconds. */
export interface Version {
  readonly model: string;
  readonly version: number;
  readonly bundle: Digest;
  /** Rejected: a gate failed. */
  readonly status: VersionStatus;
  readonly aliases: readonly string[];
  readonly run: string | null;
  readonly dataset: string | null;
  readonly snapshot: Digest | null;
  readonly plan: Digest | null;
  /** All that is needed to build the bundle again. */
  readonly recipe: JsonValue;
  readonly metrics: JsonValue;
  readonly gates: JsonValue;
  /** Version of Slipway and commit of the project. */
  readonly code: JsonValue;
  readonly actor: string;
  readonly reason: string | null;
  readonly registeredAt: number;
  /** The installations that it was registered in before it came here, the first one first; empty for one of our own. */
  readonly origin: readonly ProvenanceStep[];
}

export interface ModelSummary {
  readonly name: string;
  readonly versions: number;
  readonly latest: number;
  readonly champion: number | null;
  readonly createdAt: number;
}

/** An immutable version of a dataset. */
export interface SnapshotRecord {
  readonly dataset: string;
  readonly digest: Digest;
  readonly manifestBlob: Digest;
  readonly rowCount: number;
  readonly recordedAt: number;
  readonly actor: string;
}

/** A movable name of a snapshot. */
export interface SnapshotTag {
  readonly dataset: string;
  readonly name: string;
  readonly digest: Digest;
  readonly actor: string;
  /** Epoch milliseconds. */
  readonly changedAt: number;
}

/** An attempt to rebuild a version from its recipe. */
export interface Reproduction {
  readonly model: string;
  readonly version: number;
  readonly verdict: string;
  readonly details: JsonValue;
  readonly actor: string;
  readonly at: number;
}
