import { defineErrors } from "../kernel/index.ts";

export const datasetsErrors = defineErrors({
  DATASETS_NO_FILES: { kind: "not-found", doc: "No file matches the dataset's source." },
  DATASETS_UNREADABLE_FILE: {
    kind: "invalid",
    doc: "A source file cannot be opened or is not of the declared format.",
  },
  DATASETS_EMPTY_FILE: { kind: "invalid", doc: "A source file holds nothing, not even a header." },
  DATASETS_NO_HEADER: { kind: "invalid", doc: "The first line of a CSV file holds values instead of names." },
  DATASETS_NO_ROWS: { kind: "invalid", doc: "The source files hold no rows." },
  DATASETS_BAD_SOURCE: {
    kind: "invalid",
    doc: "The source or the columns declared for a dataset make no sense by themselves.",
  },
  DATASETS_BAD_ENCODING: { kind: "invalid", doc: "A text file is not in UTF-8." },
  DATASETS_RAGGED_ROW: { kind: "invalid", doc: "A row has more or fewer fields than the header." },
  DATASETS_BAD_QUOTES: {
    kind: "invalid",
    doc: "A quoted field is not closed, or text follows the closing quote.",
  },
  DATASETS_DUPLICATE_COLUMN: { kind: "invalid", doc: "Two columns have the same name." },
  DATASETS_MISSING_COLUMN: { kind: "invalid", doc: "A declared column is not in a source file." },
  DATASETS_BAD_CELL: { kind: "invalid", doc: "A value is not of its column's declared type." },
  DATASETS_COLUMN_TYPE: {
    kind: "invalid",
    doc: "A Parquet column has a type that cannot become the declared one.",
  },
  DATASETS_BAD_LINE: { kind: "invalid", doc: "A line of an NDJSON file is not one JSON object." },
  DATASETS_TOO_MANY_BAD_ROWS: {
    kind: "invalid",
    doc: 'With `onBadRow: "quarantine"`, more rows are bad than the dataset\'s limit allows.',
  },
  DATASETS_DISK_FULL: {
    kind: "exhausted",
    doc: "The disk is full. Nothing was registered and what was half written has been removed.",
    retryable: true,
  },
  DATASETS_ENGINE: {
    kind: "internal",
    doc: "The table engine refused files in which nothing wrong was found.",
  },
  DATASETS_DAMAGED: {
    kind: "internal",
    doc: "The stored parts of a snapshot do not hold what its manifest says.",
  },
  DATASETS_BAD_MANIFEST: { kind: "invalid", doc: "A document is not a snapshot manifest." },
  DATASETS_UNKNOWN_FORMAT: {
    kind: "invalid",
    doc: "The name of a file to be read or written does not end in one of the formats there are.",
  },
  DATASETS_CANNOT_WRITE: {
    kind: "invalid",
    doc: "A file of rows cannot be written where it is wanted. What stood there before is still there.",
  },
  DATASETS_NO_KEY: {
    kind: "invalid",
    doc: "The columns named as key do not tell the rows of a snapshot apart.",
  },
  DATASETS_LIMITS_BROKEN: {
    kind: "invalid",
    doc: "The rows of a snapshot break limits of the dataset's checks whose severity is error. The snapshot is recorded, and nothing is trained on it.",
  },
  DATASETS_UNKNOWN_COLUMN: { kind: "not-found", doc: "A snapshot has no column of the name asked for." },
});
