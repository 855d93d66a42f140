import type { BundleManifest, InstallationSignature, Signature } from "../bundle/index.ts";
import type { LogAnswer, LogQuery } from "../compaction/index.ts";
import type {
  CompareRequest,
  ExportRequest,
  SnapshotComparison,
  SnapshotManifest,
} from "../datasets/index.ts";
import type { OriginFormat } from "../inference/index.ts";
import type { Digest, SerializedError } from "../kernel/index.ts";
import type {
  ImportOutcome,
  ImportRecipe,
  PredictedFile,
  PredictFileRequest,
  Recipe,
  Reproduction,
  RunEvent,
  RunOutcome,
  RunSnapshot,
  ValidationReport,
  ValidationRequest,
} from "../pipeline/index.ts";
import type { CarriedVersion } from "../registry/index.ts";
import type { Compaction, ReplayFilter, ReplayReport } from "../serving/index.ts";
import type { BackupRequest, BackupSummary, Unpacked } from "../storage/index.ts";
import type { SignaturePlace } from "./code-signatures.ts";

/** Work for a runner: a child process with a heap of its own that never opens the database. */
export type Job =
  | {
      readonly kind: "train";
      readonly projectRoot: string;
      readonly model: string;
      readonly threads: number;
      /** A model file in the place of the trainer, for the definition of another model. */
      readonly pretrained?: PretrainedFile;
    }
  | { readonly kind: "ingest"; readonly projectRoot: string; readonly dataset: string }
  | {
      readonly kind: "reproduce";
      readonly recipe: Recipe;
      readonly snapshot: SnapshotManifest;
      readonly expected: BundleManifest;
      readonly projectRoot: string;
      readonly threads: number;
    }
  | { readonly kind: "import"; readonly source: Digest; readonly format?: OriginFormat }
  | { readonly kind: "reproduce-import"; readonly recipe: ImportRecipe; readonly expected: BundleManifest }
  | {
      readonly kind: "replay";
      readonly log: string;
      readonly filter: ReplayFilter;
      /** Directory of the stream, when what windows said is to be computed anew. */
      readonly stream?: string;
    }
  | { readonly kind: "compare"; readonly request: Omit<CompareRequest, "blobs" | "signal"> }
  | { readonly kind: "validate"; readonly request: ValidationRequest }
  | { readonly kind: "export"; readonly request: Omit<ExportRequest, "blobs" | "signal"> }
  | { readonly kind: "log-bundles"; readonly log: string }
  | { readonly kind: "compact-log"; readonly log: string; readonly segments: readonly string[] }
  | { readonly kind: "query-log"; readonly query: Omit<LogQuery, "signal"> }
  | { readonly kind: "predict"; readonly request: PredictFileRequest }
  | { readonly kind: "export-model"; readonly request: ExportModelRequest }
  | { readonly kind: "unpack-model"; readonly file: string; readonly allowCode: boolean }
  | { readonly kind: "backup"; readonly request: Pick<BackupRequest, "out" | "header" | "kept"> }
  | { readonly kind: "unpack-backup"; readonly file: string; readonly into: string };

/** A stored model file, and the model of the project whose data, features, target and gates it is to have. */
export interface PretrainedFile {
  readonly features: string;
  readonly source: Digest;
  readonly file: string;
  readonly format?: OriginFormat | undefined;
}

/** A version that is to be written to a file, and the signature of its record. */
export interface ExportModelRequest {
  readonly out: string;
  readonly record: Uint8Array;
  readonly signature: InstallationSignature;
  readonly contents: CarriedVersion["blobs"];
}

/** A version that came in a file: its blobs are stored, and it can be served. */
export interface UnpackedModel {
  readonly carried: CarriedVersion;
  readonly signature: Signature;
  /** Its custom code, if it has any. */
  readonly code: Digest | undefined;
}

export interface JobResults {
  readonly train: RunOutcome;
  readonly ingest: RunSnapshot & { readonly reused: boolean; readonly validation: ValidationReport | null };
  readonly reproduce: Reproduction;
  readonly import: ImportOutcome;
  readonly "reproduce-import": Reproduction;
  readonly replay: ReplayReport;
  readonly compare: SnapshotComparison;
  readonly validate: ValidationReport;
  readonly export: number;
  /** Bundles that the prediction log names. */
  readonly "log-bundles": readonly Digest[];
  readonly "compact-log": Compaction | undefined;
  readonly "query-log": LogAnswer;
  readonly predict: PredictedFile & {
    /** Most memory the runner had at any time. */
    readonly peakBytes: number;
  };
  readonly "export-model": { readonly bytes: number; readonly digest: Digest };
  readonly "unpack-model": UnpackedModel;
  readonly backup: BackupSummary;
  readonly "unpack-backup": Unpacked;
}

/** What a runner may ask of the control plane while it works. */
export interface JobQuestions {
  readonly latestSnapshot: (dataset: string) => Promise<SnapshotManifest | null>;
  readonly recordSnapshot: (dataset: string, snapshot: RunSnapshot) => Promise<null>;
  readonly snapshotBefore: (dataset: string, digest: Digest) => Promise<RunSnapshot | null>;
  readonly recordValidation: (report: ValidationReport) => Promise<null>;
  readonly champion: (model: string) => Promise<{ readonly version: number; readonly bundle: Digest } | null>;
  /** Writes the rows of the database to a new file and gives their number. */
  readonly dumpDatabase: (path: string) => Promise<number>;
}

export type JobQuestion = keyof JobQuestions;

export type ToRunner =
  | { readonly kind: "start"; readonly job: Job; readonly blobs: string; readonly signed?: SignaturePlace }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly error: SerializedError };

export type FromRunner =
  | {
      readonly kind: "question";
      readonly id: number;
      readonly question: JobQuestion;
      readonly values: readonly unknown[];
    }
  | { readonly kind: "event"; readonly event: RunEvent }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "failed"; readonly error: SerializedError };
