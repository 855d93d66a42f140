export { beginsArchive } from "./archive-format.ts";
export { type ArchiveEntry, archiveDamaged, readArchive } from "./archive-reader.ts";
export { type ArchiveWriter, openArchiveWriter } from "./archive-writer.ts";
export { moveIntoPlace, type Unpacked, unpackBackup } from "./backup-reader.ts";
export {
  addBlob,
  BACKUP_ROWS,
  type BackupHeader,
  type BackupRequest,
  type BackupSummary,
  type KeptPath,
  writeBackup,
} from "./backup-writer.ts";
export { type BlobStat, type BlobStore, openFileBlobs } from "./blobs.ts";
export {
  type Database,
  type DatabaseTarget,
  openDatabase,
  type Queryable,
  type WriteTransaction,
} from "./database.ts";
export { dumpDatabase, isDatabaseEmpty, restoreDatabase } from "./database-dump.ts";
export type { DatabaseSchema } from "./database-schema.ts";
export { publishFile, syncDirectory, syncFile } from "./durable-files.ts";
export { storageErrors } from "./errors.ts";
export { fileError, isSystemError } from "./file-errors.ts";
export { type LogMark, type LogMarks, LogTail, type LogTailOptions, type TailedFrame } from "./log-tail.ts";
export {
  MAX_FRAME_BYTES,
  parseSegmentFileName,
  type SegmentName,
  segmentFileName,
} from "./segment-format.ts";
export {
  type LogFrame,
  type LogPosition,
  listSegments,
  type OpenSegment,
  type ReadOptions,
  readFrameAt,
  readSegment,
  readSegments,
  type SegmentInfo,
  type TornTail,
} from "./segment-reader.ts";
export { openSegmentWriter, type SegmentWriter, type SegmentWriterOptions } from "./segment-writer.ts";
