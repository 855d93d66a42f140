import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { bytesBeforeRows, type CsvExpectation, readCsvRows } from "./csv-rows.ts";
import { LineFile } from "./line-file.ts";
import { readNdjsonRows } from "./ndjson-rows.ts";
import type { RejectCollector } from "./rejects.ts";
import type { SchemaColumn } from "./snapshot.ts";
import type { FoundFile } from "./source-files.ts";

/**
 * Text files in which the table engine found something wrong are copied without their bad rows, byte for byte, and the
 * copies are read instead: so the good rows are what they would be if the bad ones had never been there.
 */
export interface SiftTask {
  readonly rejects: RejectCollector;
  /** An empty folder for the copies. */
  readonly scratch: string;
}

/** Copies without the rows that are no rows. A file that holds no bad ones is not copied. */
export async function siftCsv(
  files: readonly FoundFile[],
  expected: CsvExpectation,
  task: SiftTask,
): Promise<FoundFile[]> {
  const sifted: FoundFile[] = [];
  for (const file of files) {
    const before = task.rejects.rows;
    const good = new LineFile(join(task.scratch, `good-${sifted.length}.csv`));
    try {
      const end = bytesBeforeRows(file, expected) - 1;
      for await (const head of createReadStream(file.path, { end })) good.add(head);
      for (const { line, bytes, error } of readCsvRows(file, expected)) {
        if (error === undefined) good.add(bytes);
        else task.rejects.add({ file: file.name, place: { line }, error, raw: bytes });
      }
    } finally {
      good.close();
    }
    sifted.push(task.rejects.rows === before ? file : await copied(file, good.path));
  }
  return sifted;
}

export async function siftNdjson(
  files: readonly FoundFile[],
  expected: { readonly schema: readonly SchemaColumn[]; readonly timestampFormat: string | undefined },
  task: SiftTask,
): Promise<FoundFile[]> {
  const sifted: FoundFile[] = [];
  for (const file of files) {
    const before = task.rejects.rows;
    const good = new LineFile(join(task.scratch, `good-${sifted.length}.ndjson`));
    try {
      for (const { line, bytes, error } of readNdjsonRows(file, expected.schema, expected.timestampFormat)) {
        if (error !== undefined) task.rejects.add({ file: file.name, place: { line }, error, raw: bytes });
        else {
          good.add(bytes);
          good.add("\n");
        }
      }
    } finally {
      good.close();
    }
    sifted.push(task.rejects.rows === before ? file : await copied(file, good.path));
  }
  return sifted;
}

async function copied(file: FoundFile, path: string): Promise<FoundFile> {
  return { path, name: file.name, bytes: (await stat(path)).size };
}
