import { type ColumnType, type Digest, digestOfJson, isDigest } from "../kernel/index.ts";
import { BLOCK_ROWS, type Profile } from "../profile/index.ts";
import { datasetsErrors } from "./errors.ts";

export interface SchemaColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** Up to 65,536 consecutive rows; all blocks but the last are full. */
export interface SnapshotBlock {
  readonly rows: number;
  readonly digest: Digest;
}

/** The first rows of a Parquet file. */
export interface SnapshotPart {
  readonly blob: Digest;
  readonly bytes: number;
  readonly rows: number;
  /** Rows in the file. Those after the first `rows` are not of this snapshot: they were its end before an append. */
  readonly storedRows: number;
  /** Index of its first row in the snapshot. */
  readonly firstRow: number;
}

export interface SourceFile {
  /** Relative to the project's folder where it lies inside. */
  readonly path: string;
  readonly bytes: number;
}

/** The rows that were left out because they are bad, as lines of JSON in a blob. */
export interface SnapshotRejects {
  readonly blob: Digest;
  readonly bytes: number;
  readonly rows: number;
  /** How many of which kind, most frequent first. */
  readonly faults: readonly {
    readonly code: string;
    readonly column?: string;
    readonly rows: number;
  }[];
}

/**
 * One immutable version of a dataset. Its digest covers the schema and the canonical rows in order, nothing else: not the
 * source files, not how the rows are laid out in parts, not the bytes of those, not the rows that were rejected.
 */
export interface SnapshotManifest {
  readonly format: "slipway.snapshot/1";
  readonly rowCount: number;
  readonly schema: readonly SchemaColumn[];
  readonly blocks: readonly SnapshotBlock[];
  readonly parts: readonly SnapshotPart[];
  readonly profile: Profile;
  readonly sourceFiles: readonly SourceFile[];
  /** Absent when no row was rejected. */
  readonly rejects?: SnapshotRejects;
  /** Columns of the source files that the dataset does not declare; there only where the dataset checks for them. */
  readonly undeclaredColumns?: readonly string[];
}

/** The identity of a snapshot. */
export function snapshotDigest(manifest: Pick<SnapshotManifest, "schema" | "blocks">): Digest {
  return digestOfJson({
    format: "slipway.rows/1",
    blockRows: BLOCK_ROWS,
    schema: manifest.schema.map(({ name, type }) => [name, type]),
    blocks: manifest.blocks.map(({ rows, digest }) => [rows, digest]),
  });
}

/**
 * Checks what was read from a blob.
 *
 * @throws DATASETS_BAD_MANIFEST
 */
export function parseManifest(document: unknown): SnapshotManifest {
  const manifest = document as Partial<SnapshotManifest> | null;
  if (
    manifest === null ||
    typeof manifest !== "object" ||
    manifest.format !== "slipway.snapshot/1" ||
    !Array.isArray(manifest.schema) ||
    !Array.isArray(manifest.blocks) ||
    !Array.isArray(manifest.parts) ||
    !Array.isArray(manifest.sourceFiles) ||
    typeof manifest.profile !== "object"
  ) {
    throw datasetsErrors.DATASETS_BAD_MANIFEST.error("the document is not a snapshot manifest");
  }
  const checked = manifest as SnapshotManifest;
  let rows = 0;
  for (const part of checked.parts) {
    if (!isDigest(part.blob) || part.firstRow !== rows || !(part.rows > 0 && part.rows <= part.storedRows)) {
      throw datasetsErrors.DATASETS_BAD_MANIFEST.error(
        `the parts of the snapshot do not follow each other at row ${rows}`,
      );
    }
    rows += part.rows;
  }
  const inBlocks = checked.blocks.reduce((sum, block) => sum + block.rows, 0);
  if (rows !== checked.rowCount || inBlocks !== checked.rowCount) {
    throw datasetsErrors.DATASETS_BAD_MANIFEST.error(
      `the snapshot says it has ${checked.rowCount} rows, its parts have ${rows} and its blocks ${inBlocks}`,
    );
  }
  return checked;
}
