import type { SlipwayError } from "../kernel/index.ts";
import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { isReadableAs, type ParquetColumn } from "./parquet-values.ts";
import {
  badParquetRows,
  copyTo,
  describeParquet,
  firstBadParquetValue,
  selectGoodParquet,
  selectParquet,
} from "./queries.ts";
import type { RejectCollector } from "./rejects.ts";
import type { RowTarget } from "./row-target.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { badCell, requireColumns } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import { type TextRules, textRulesOf } from "./text-values.ts";

/** The columns of a Parquet file, by DuckDB's names of their types. @throws DATASETS_UNREADABLE_FILE */
export async function describeParquetFile(
  engine: Engine,
  file: FoundFile,
): Promise<{ name: string; stored: string }[]> {
  if (file.bytes === 0) {
    throw datasetsErrors.DATASETS_EMPTY_FILE.error(`${file.name} is empty`, {
      details: { file: file.name, bytes: 0 },
    });
  }
  try {
    const rows = await engine.rows(describeParquet(file.path));
    return rows.map((row) => ({ name: String(row.column_name), stored: String(row.column_type) }));
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    const reason = thrown instanceof Error ? thrown.message.split("\n")[0] : String(thrown);
    throw datasetsErrors.DATASETS_UNREADABLE_FILE.error(
      `${file.name} is not a readable Parquet file: ${reason}`,
      {
        details: { file: file.name },
        cause: thrown,
      },
    );
  }
}

/** Consecutive files with the same columns, which can be read together. */
export interface ParquetGroup {
  /** The declared columns as they are stored. */
  readonly columns: readonly ParquetColumn[];
  readonly files: FoundFile[];
}

/** @throws DATASETS_UNREADABLE_FILE, DATASETS_MISSING_COLUMN, DATASETS_COLUMN_TYPE */
export async function groupByColumns(
  engine: Engine,
  files: readonly FoundFile[],
  schema: readonly SchemaColumn[],
): Promise<ParquetGroup[]> {
  const groups: ParquetGroup[] = [];
  let before = "";
  for (const file of files) {
    const stored = await describeParquetFile(engine, file);
    const layout = JSON.stringify(stored);
    const last = groups.at(-1);
    if (last !== undefined && layout === before) {
      last.files.push(file);
      continue;
    }
    before = layout;
    requireColumns(
      file,
      stored.map(({ name }) => name),
      schema,
    );
    groups.push({ columns: schema.map((column) => storedColumn(file, column, stored)), files: [file] });
  }
  return groups;
}

/** Writes the rows of Parquet files to `target`. @throws DATASETS_BAD_CELL, DATASETS_UNREADABLE_FILE */
export async function writeParquet(engine: Engine, group: ParquetGroup, target: RowTarget): Promise<void> {
  const { columns, files } = group;
  const paths = files.map((file) => file.path);
  const rules = textRulesOf(target.source);
  const select = selectParquet(paths, columns, rules);
  try {
    await engine.moveRows(copyTo(select, target.path), target.onShare);
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    if (target.sift !== undefined && (await rejectRows(engine, group, { ...target.sift, rules }))) {
      await engine.moveRows(copyTo(selectGoodParquet(paths, columns, rules), target.path), target.onShare);
      return;
    }
    for (const file of files) await nameBadValue(engine, { file, columns, rules });
    const reason = thrown instanceof Error ? thrown.message.split("\n")[0] : String(thrown);
    const names = files.map(({ name }) => name);
    throw datasetsErrors.DATASETS_UNREADABLE_FILE.error(`${names.join(", ")} cannot be read: ${reason}`, {
      details: { files: names },
      cause: thrown,
    });
  }
}

/** The column as it is stored. @throws DATASETS_COLUMN_TYPE */
export function storedColumn(
  file: FoundFile,
  column: SchemaColumn,
  stored: readonly { name: string; stored: string }[],
): ParquetColumn {
  const found = stored.find(({ name }) => name === column.name)?.stored ?? "";
  if (isReadableAs(found, column.type)) return { ...column, stored: found };
  throw datasetsErrors.DATASETS_COLUMN_TYPE.error(
    `${file.name}: column ${column.name} is ${found} in the file, which cannot be read as ${column.type}`,
    { details: { file: file.name, column: column.name, stored: found, type: column.type } },
  );
}

/** @throws DATASETS_BAD_CELL when a value cannot be read as its column's type */
export async function nameBadValue(
  engine: Engine,
  read: { readonly file: FoundFile; readonly columns: readonly ParquetColumn[]; readonly rules: TextRules },
): Promise<void> {
  const { file, columns, rules } = read;
  for (const column of columns) {
    const [bad] = await engine.rows(firstBadParquetValue(file.path, column, rules));
    if (bad === undefined) continue;
    throw badValue(file, { row: Number(bad.row) + 1, column, value: String(bad.value) });
  }
}

/** @returns whether there were any */
async function rejectRows(
  engine: Engine,
  { files, columns }: ParquetGroup,
  { rejects, rules }: { readonly rejects: RejectCollector; readonly rules: TextRules },
): Promise<boolean> {
  const before = rejects.rows;
  for (const file of files) {
    for await (const bad of engine.streamRows(badParquetRows(file.path, columns, rules))) {
      const row = Number(bad.row) + 1;
      const column = columns[Number(bad.column)]!;
      const error = badValue(file, { row, column, value: String(bad.value) });
      rejects.add({ file: file.name, place: { row }, error, raw: String(bad.raw) });
    }
  }
  return rejects.rows > before;
}

function badValue(
  file: FoundFile,
  { row, column, value }: { readonly row: number; readonly column: SchemaColumn; readonly value: string },
): SlipwayError {
  return badCell(file, { place: { row }, column, value, wrong: `is not a value of type ${column.type}` });
}
