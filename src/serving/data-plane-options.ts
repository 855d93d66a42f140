import type { CodeTrust } from "../bundle/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { LiveWindows } from "../stream/index.ts";
import type { AdmissionLimits } from "./admission.ts";
import type { ImageRules } from "./model-images.ts";

export interface DataPlaneOptions {
  readonly blobs: BlobStore;
  /** Whether the custom code of a bundle may run. Default: it may not. */
  readonly trust?: CodeTrust;
  /** Where the segments of the prediction log go; created when missing. */
  readonly logDirectory: string;
  readonly clock: Clock;
  /** `fsync`: a prediction is acknowledged only when it would survive a loss of power. Default `os`. */
  readonly durability?: "os" | "fsync";
  /** Default 64 MiB. */
  readonly maxSegmentBytes?: number;
  /** A segment that was begun so long ago is ended by the next group. Default: only its length ends it. */
  readonly maxSegmentMs?: number;
  /** Most bytes of all segments in `logDirectory`; beyond them the disk counts as full. Default: no bound. */
  readonly maxLogBytes?: number;
  /** What becomes of predictions while the disk is full. Default `refuse`. */
  readonly onLogFull?: "refuse" | "serve-unlogged";
  /** Keeps the windows of models that have some; without it they stay as their bundles bring them. */
  readonly windows?: LiveWindows;
  /** Whether workers that are ready stand beside it, or stood in its place: see `nextReadiness`. Default false. */
  readonly joinsServing?: boolean;
  /** Most instances in one request. Default 10,000. */
  readonly maxInstances?: number;
  /** What images of records may be. Default: 32 MiB, 50 megapixels, none by digest. */
  readonly images?: ImageRules;
  /**
   * Most rows of requests that a model on a thread answers in one run, where each row's answer has the same bits as alone; 1 for
   * never. Default 32.
   */
  readonly mergedRows?: number;
  /** Most calls that wait for one model on a thread of its own; more are refused. Default 256. */
  readonly maxOpenCalls?: number;
  /** What may wait for the event loop. */
  readonly admission?: Partial<AdmissionLimits>;
}
