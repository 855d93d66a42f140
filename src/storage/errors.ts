import { defineErrors } from "../kernel/index.ts";

export const storageErrors = defineErrors({
  STORAGE_DISK_FULL: {
    kind: "exhausted",
    doc: "A file could not be written because the disk or its quota is full. What was half written has been removed.",
    retryable: true,
  },
  STORAGE_IO: {
    kind: "unavailable",
    doc: "The operating system refused to read or write a file or a folder.",
  },
  STORAGE_BLOB_MISSING: {
    kind: "not-found",
    doc: "No blob of this digest is stored.",
  },
  STORAGE_BLOB_DAMAGED: {
    kind: "internal",
    doc: "The bytes of a stored blob no longer have the digest they are named by.",
  },
  STORAGE_LOG_FULL: {
    kind: "exhausted",
    doc: "Log frames could not be written because the disk or its quota is full. The log ends with its last whole frame; the next flush tries again.",
    retryable: true,
  },
  STORAGE_LOG_UNWRITABLE: {
    kind: "unavailable",
    doc: "Log frames could not be written for a reason other than a full disk.",
    retryable: true,
  },
  STORAGE_LOG_DAMAGED: {
    kind: "internal",
    doc: "A log segment holds bytes that are not the frame that was written there.",
  },
  STORAGE_LOG_UNSUPPORTED: {
    kind: "unsupported",
    doc: "A log segment was written in a format that this version does not read.",
  },
  STORAGE_LOG_NO_FRAME: {
    kind: "not-found",
    doc: "No frame of the log begins at the place asked for.",
  },
  STORAGE_BAD_FRAME: {
    kind: "invalid",
    doc: "A log frame is empty or larger than a frame may be.",
  },
  STORAGE_BAD_NAME: {
    kind: "invalid",
    doc: "The name of a log, an incarnation, a segment or a database schema has characters that it may not have.",
  },
  STORAGE_BAD_TEXT: {
    kind: "invalid",
    doc: "A text for the database holds a NUL character or half of a surrogate pair.",
  },
  STORAGE_DATABASE_UNREACHABLE: {
    kind: "unavailable",
    doc: "The database did not answer or refused the connection.",
    retryable: true,
  },
  STORAGE_DATABASE_URL: {
    kind: "invalid",
    doc: "The database URL is not one of a PostgreSQL database.",
  },
  STORAGE_DATABASE_NEWER: {
    kind: "unsupported",
    doc: "The database was migrated by a newer version of Slipway than this one.",
  },
  STORAGE_DATABASE_DAMAGED: {
    kind: "internal",
    doc: "The database file is not a database or is damaged.",
  },
  STORAGE_DATABASE_BUSY: {
    kind: "unavailable",
    doc: "Another process held the database's write lock for too long.",
    retryable: true,
  },
  STORAGE_ARCHIVE_DAMAGED: {
    kind: "invalid",
    doc: "A model file or a backup is truncated, altered, or none at all. Nothing of it has been taken over.",
  },
  STORAGE_ARCHIVE_UNSUPPORTED: {
    kind: "unsupported",
    doc: "A model file or a backup was written in a format that this version does not know.",
  },
  STORAGE_FILE_CHANGED: {
    kind: "conflict",
    doc: "A file that was being copied has gone or has become shorter meanwhile.",
    retryable: true,
  },
  STORAGE_TARGET_NOT_EMPTY: {
    kind: "conflict",
    doc: "A backup was to be restored where something is kept already.",
  },
});
