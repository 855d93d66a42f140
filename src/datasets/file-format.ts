import { datasetsErrors } from "./errors.ts";

/** What a file of rows may be. `tsv` is CSV with tabs. */
export type RowFileFormat = "csv" | "tsv" | "ndjson" | "parquet";

const FORMAT_OF: Readonly<Record<string, RowFileFormat>> = {
  csv: "csv",
  tsv: "tsv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
  pq: "parquet",
};

/**
 * The format that a file's name says.
 *
 * @throws DATASETS_UNKNOWN_FORMAT
 */
export function formatOfName(path: string): RowFileFormat {
  const extension = /\.([A-Za-z]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  const format = FORMAT_OF[extension];
  if (format !== undefined) return format;
  throw datasetsErrors.DATASETS_UNKNOWN_FORMAT.error(`the name of ${path} does not say its format`, {
    details: { file: path },
    hint: "Use the ending .csv, .tsv, .ndjson or .parquet.",
  });
}
