import type { EmbeddingOptions } from "../images/index.ts";
import type { ColumnType } from "../kernel/index.ts";
import { datasetsErrors } from "./errors.ts";
import type { SchemaColumn } from "./snapshot.ts";
import type { SourceSpec } from "./spec.ts";
import { isTimeFormat } from "./time-format.ts";

const TYPES: readonly ColumnType[] = ["int", "float", "bool", "timestamp", "category", "text", "image"];

/** What a project says about a column, as far as it matters for the snapshot. */
export type DeclaredColumns = Readonly<
  Record<string, ColumnType | { readonly type: ColumnType; readonly embedding?: EmbeddingOptions }>
>;

/** What is declared about the vectors of image columns, by column. */
export function embeddingsOf(columns: DeclaredColumns): Record<string, EmbeddingOptions> {
  const found: Record<string, EmbeddingOptions> = {};
  for (const [name, declared] of Object.entries(columns)) {
    if (typeof declared !== "string" && declared.embedding !== undefined) found[name] = declared.embedding;
  }
  return found;
}

/**
 * The schema of declared columns, in their order.
 *
 * @throws DATASETS_BAD_SOURCE, DATASETS_DUPLICATE_COLUMN
 */
export function schemaOf(columns: DeclaredColumns): SchemaColumn[] {
  const schema = Object.entries(columns).map(([name, declared]) => ({
    name,
    type: typeof declared === "string" ? declared : declared.type,
  }));
  const byFold = new Map<string, string>();
  for (const { name, type } of schema) {
    if (!TYPES.includes(type)) throw badSource(`column ${name} has the unknown type ${String(type)}`);
    if (name === "" || !name.isWellFormed() || name.includes("\0")) {
      throw badSource(`${JSON.stringify(name)} cannot be the name of a column`);
    }
    const other = byFold.get(name.toLowerCase());
    if (other !== undefined) {
      throw datasetsErrors.DATASETS_DUPLICATE_COLUMN.error(
        `the columns "${other}" and "${name}" differ by upper and lower case only, which the stored tables cannot tell apart`,
        { details: { columns: [other, name] }, hint: "Rename one of them in the source." },
      );
    }
    byFold.set(name.toLowerCase(), name);
  }
  return schema;
}

/** @throws DATASETS_BAD_SOURCE */
export function checkSource(source: SourceSpec): void {
  if (!["csv", "ndjson", "parquet"].includes(source.format))
    throw badSource(`the format ${source.format} is unknown`);
  for (const option of ["delimiter", "quote"] as const) {
    const value = source[option];
    if (value !== undefined && (value.length !== 1 || value >= "\u0080" || value === "\0")) {
      throw badSource(`the ${option} must be one ASCII character, not ${JSON.stringify(value)}`);
    }
  }
  const delimiter = source.delimiter ?? ",";
  if (delimiter === (source.quote ?? '"') || /[\r\n]/.test(delimiter)) {
    throw badSource(`the delimiter ${JSON.stringify(delimiter)} has another meaning already`);
  }
  if (source.timestampFormat !== undefined && !isTimeFormat(source.timestampFormat)) {
    throw badSource(
      `the timestampFormat ${JSON.stringify(source.timestampFormat)} is not one of %Y %y %m %d %H %I %p %M %S %f %b %B %a %A %z with text between, epoch-seconds, epoch-milliseconds`,
    );
  }
}

function badSource(message: string): Error {
  return datasetsErrors.DATASETS_BAD_SOURCE.error(message);
}
