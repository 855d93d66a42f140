import type { ColumnType } from "../kernel/index.ts";
import { type ColumnEvidence, guessColumn } from "./column-evidence.ts";
import { datasetsErrors } from "./errors.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";

export interface InferredColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly missing: number;
  /** Different values, counted up to 20,000. */
  readonly distinct: number;
  /** It names rows rather than describing them. */
  readonly idLike: boolean;
  readonly examples: readonly string[];
}

export interface InferredSource {
  readonly source: SourceSpec;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly details: readonly InferredColumn[];
  readonly rowCount: number;
  /** The column by which rows are ordered in time, when one looks like it. */
  readonly timeColumn?: string;
  /** What was decided that somebody may want to decide otherwise, in words. */
  readonly notes: readonly string[];
}

export interface InferRequest {
  readonly glob: string | readonly string[];
  readonly root: string;
  /** What is known already; the rest is inferred. */
  readonly source?: Partial<SourceSpec>;
}

/** Blanks around more of a category's values than this are an artefact of how the file was written. */
const PADDED_SHARE = 0.1;

/** The answer that the evidence of text columns leads to. */
export function conclude(
  evidence: readonly ColumnEvidence[],
  found: {
    rowCount: number;
    source: SourceSpec;
    types?: ReadonlyMap<string, ColumnType>;
    notes?: readonly string[];
  },
): InferredSource {
  const notes = [...(found.notes ?? [])];
  const isCsv = found.source.format === "csv";
  const guesses = evidence.map((column) => ({ column, guess: guessColumn(column) }));
  const timestampFormat =
    found.source.timestampFormat ??
    guesses.find(({ guess }) => guess.type === "timestamp")?.guess.timestampFormat;
  const nullValues = new Set(found.source.nullValues ?? []);
  const details: InferredColumn[] = [];
  let padded = 0;
  for (const { column, guess } of guesses) {
    let type = found.types?.get(column.name) ?? guess.type;
    if (type === "timestamp" && guess.timestampFormat !== timestampFormat) {
      type = column.decimals === column.present ? "int" : "category";
      notes.push(
        `${column.name} holds times in another format than the other time columns, and is read as ${type}`,
      );
    }
    if (isCsv) for (const text of guess.nullValues) nullValues.add(text);
    if (type === "category" && column.padded > PADDED_SHARE * column.present) padded += 1;
    const read = sum(
      [...column.missingTexts].filter(([text]) => !nullValues.has(text)).map(([, count]) => count),
    );
    details.push({
      name: column.name,
      type,
      missing: found.rowCount - column.present - read,
      distinct: column.distinct.size,
      idLike: guess.idLike,
      examples: column.examples,
    });
  }
  const ambiguous = guesses.some(({ column }) => column.timeFormats.length > 1);
  if (timestampFormat !== undefined) {
    notes.push(`times are read as ${timestampFormat}${ambiguous ? "; the day could also come first" : ""}`);
  }
  if (nullValues.size > 0)
    notes.push(`read as missing: ${[...nullValues].map((text) => JSON.stringify(text)).join(", ")}`);
  const source: SourceSpec = {
    ...found.source,
    ...(nullValues.size === 0 ? {} : { nullValues: [...nullValues].sort() }),
    ...(timestampFormat === undefined ? {} : { timestampFormat }),
    ...(padded > 0 && isCsv ? { trim: true } : {}),
  };
  return assemble(details, { source, rowCount: found.rowCount, notes });
}

export function assemble(
  details: readonly InferredColumn[],
  found: { source: SourceSpec; rowCount: number; notes: readonly string[] },
): InferredSource {
  const times = details.filter(
    ({ type, missing, distinct }) => type === "timestamp" && missing === 0 && distinct > 1,
  );
  const timeColumn = times.sort((a, b) => b.distinct - a.distinct)[0]?.name;
  return {
    ...found,
    columns: Object.fromEntries(details.map(({ name, type }) => [name, type])),
    details,
    ...(timeColumn === undefined ? {} : { timeColumn }),
  };
}

export function noRows(files: readonly FoundFile[]): Error {
  return datasetsErrors.DATASETS_NO_ROWS.error(`no rows in ${files.map(({ name }) => name).join(", ")}`, {
    details: { files: files.map(({ name }) => name) },
  });
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
