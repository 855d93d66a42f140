import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inferSource, ingest, placeOfRow, type RowPlace, readSnapshot } from "../datasets/index.ts";
import { formatIsoTime, type Table, type TableColumn } from "../kernel/index.ts";
import { openFileBlobs } from "../storage/index.ts";
import { appErrors } from "./errors.ts";

export interface LabelFile {
  /** Rows that have a value. */
  readonly labels: readonly Label[];
  /** Rows without a value: nothing is known of them yet. */
  readonly skipped: number;
  /** Where a row, from 0, stands in the file. */
  readonly placeOf: (row: number) => Promise<RowPlace>;
}

export interface Label {
  /** From 0, among all rows. */
  readonly row: number;
  readonly predictionId: string;
  readonly name?: string;
  readonly value: number | boolean | string;
  /** ISO time. */
  readonly at?: string;
}

export interface LabelFileRequest {
  /** Path of a CSV, TSV, NDJSON or Parquet file, relative to `root`. */
  readonly file: string;
  readonly root: string;
  readonly signal: AbortSignal;
  readonly onRows: (done: number, of: number | undefined) => void;
}

const ID = "predictionId";
const VALUE = "value";

/**
 * Reads a file of feedback: the columns `predictionId` and `value`, and `name` and `at` where it has them.
 *
 * @throws APP_BAD_LABELS, DATASETS_*
 */
export async function readLabels({ file, root, signal, onRows }: LabelFileRequest): Promise<LabelFile> {
  const { source, columns } = await inferSource({ glob: file, root });
  for (const wanted of [ID, VALUE]) {
    if (!Object.hasOwn(columns, wanted)) throw noColumn(file, { wanted, found: Object.keys(columns) });
  }
  const kept = Object.fromEntries(
    Object.entries(columns).filter(([name]) => [ID, VALUE, "name", "at"].includes(name)),
  );
  const directory = await mkdtemp(join(tmpdir(), "slipway-labels-"));
  try {
    const blobs = openFileBlobs(directory);
    const { manifest } = await ingest({
      name: file,
      spec: { source, columns: { ...kept, [ID]: "text", ...("name" in kept ? { name: "text" } : {}) } },
      root,
      blobs,
      signal,
      onProgress: ({ rows, of }) => {
        if (rows !== undefined) onRows(rows, of);
      },
    });
    const table = await readSnapshot(manifest, { blobs, signal });
    const labels = labelsOf(table, {
      file,
      isBoolean: kept[VALUE] === "bool",
      isTime: kept[VALUE] === "timestamp",
    });
    return {
      labels,
      skipped: table.rowCount - labels.length,
      placeOf: (row) => placeOfRow(source, { root, row }),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function labelsOf(
  table: Table,
  {
    file,
    isBoolean,
    isTime,
  }: { readonly file: string; readonly isBoolean: boolean; readonly isTime: boolean },
): Label[] {
  const cells = (name: string) => cellsOf(table.columns.get(name));
  const [ids, values, names, times] = [cells(ID), cells(VALUE), cells("name"), cells("at")];
  const labels: Label[] = [];
  for (let row = 0; row < table.rowCount; row++) {
    const value = values(row);
    if (value === undefined) continue;
    const predictionId = ids(row);
    if (typeof predictionId !== "string")
      throw appErrors.APP_BAD_LABELS.error(`${file}: row ${row + 1} has a value but no ${ID}`, {
        details: { file, row: row + 1 },
      });
    const name = names(row);
    const at = times(row);
    labels.push({
      row,
      predictionId,
      value:
        typeof value === "string" ? value : isBoolean ? value === 1 : isTime ? formatIsoTime(value) : value,
      ...(typeof name === "string" ? { name } : {}),
      ...(at === undefined ? {} : { at: typeof at === "string" ? at : formatIsoTime(at) }),
    });
  }
  return labels;
}

/** The value in each row; undefined where there is none. */
function cellsOf(column: TableColumn | undefined): (row: number) => number | string | undefined {
  if (column === undefined) return () => undefined;
  if (column.kind === "string") return (row) => column.dictionary[column.codes[row]!];
  return (row) => (Number.isNaN(column.values[row]!) ? undefined : column.values[row]);
}

function noColumn(
  file: string,
  { wanted, found }: { readonly wanted: string; readonly found: readonly string[] },
): Error {
  return appErrors.APP_BAD_LABELS.error(`${file} has no column "${wanted}"; it has ${found.join(", ")}`, {
    details: { file, column: wanted, found },
    hint: 'A file of feedback has the columns "predictionId" and "value", and may have "name" and "at".',
  });
}
