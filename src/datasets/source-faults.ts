import type { SlipwayError } from "../kernel/index.ts";
import { datasetsErrors } from "./errors.ts";
import type { SchemaColumn } from "./snapshot.ts";
import type { FoundFile } from "./source-files.ts";
import { suggestion } from "./suggestion.ts";

/** @throws DATASETS_MISSING_COLUMN */
export function requireColumns(
  file: FoundFile,
  present: readonly string[],
  schema: readonly SchemaColumn[],
): void {
  for (const { name } of schema) {
    if (present.includes(name)) continue;
    throw datasetsErrors.DATASETS_MISSING_COLUMN.error(
      `${file.name} has no column "${name}"${suggestion(name, present)}; it has ${present.join(", ")}`,
      { details: { file: file.name, column: name, columns: [...present] } },
    );
  }
}

const SHOWN = 120;

export interface BadCell {
  /** Lines of text files and rows of Parquet files count from 1. */
  readonly place: { readonly line: number } | { readonly row: number };
  readonly column: SchemaColumn;
  readonly value: string;
  /** `is not a number` */
  readonly wrong: string;
}

export function badCell(file: FoundFile, cell: BadCell): SlipwayError {
  const { place, column, value, wrong } = cell;
  const shown = value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value;
  const where = "line" in place ? `line ${place.line}` : `row ${place.row}`;
  return datasetsErrors.DATASETS_BAD_CELL.error(
    `${file.name}, ${where}, column ${column.name}: ${JSON.stringify(shown)} ${wrong} (column type ${column.type})`,
    {
      details: {
        file: file.name,
        ...place,
        column: column.name,
        value: value.slice(0, 1000).toWellFormed(),
        type: column.type,
        reason: wrong,
      },
      hint: "Correct the file, declare another type for the column, or list the text in the source's `nullValues` if it means missing.",
    },
  );
}
