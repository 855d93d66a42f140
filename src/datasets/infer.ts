import { closeSync, openSync, readSync } from "node:fs";
import { inferCsv } from "./infer-csv.ts";
import { inferNdjson } from "./infer-ndjson.ts";
import { inferParquet } from "./infer-parquet.ts";
import type { InferRequest, InferredSource } from "./inferred-source.ts";
import { type FoundFile, findSourceFiles } from "./source-files.ts";
import type { SourceFormat } from "./spec.ts";

/**
 * Looks at every row of the files and says how to read them: format, delimiter, texts that mean missing, a type for each
 * column. What it answers is checked against all rows, not against a sample.
 *
 * @throws DATASETS_* as `ingest` does
 */
export async function inferSource(request: InferRequest): Promise<InferredSource> {
  const files = await findSourceFiles(request, request.root);
  const format = request.source?.format ?? sniffFormat(files[0]!);
  switch (format) {
    case "csv":
      return inferCsv(files, request);
    case "ndjson":
      return inferNdjson(files, request);
    case "parquet":
      return await inferParquet(files, request);
  }
}

function sniffFormat(file: FoundFile): SourceFormat {
  if (/\.(parquet|pq)$/i.test(file.path)) return "parquet";
  if (/\.(ndjson|jsonl)$/i.test(file.path)) return "ndjson";
  const head = firstBytes(file, 4096);
  if (head.startsWith("PAR1")) return "parquet";
  return /^\ufeff?\s*\{/.test(head) && !/\.(csv|tsv)$/i.test(file.path) ? "ndjson" : "csv";
}

function firstBytes(file: FoundFile, count: number): string {
  const fd = openSync(file.path, "r");
  try {
    const bytes = Buffer.alloc(count);
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, count, 0));
  } finally {
    closeSync(fd);
  }
}
