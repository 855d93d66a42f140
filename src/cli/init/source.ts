import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { SourceInspection } from "../../app/index.ts";
import { cliErrors } from "../errors.ts";
import { formatCount } from "../format-values.ts";
import { openProgress } from "../progress.ts";
import type { Session } from "../session.ts";
import type { ColumnFacts } from "./column-facts.ts";
import type { SourceDraft } from "./config-text.ts";
import type { StrayPlaces } from "./strays.ts";
import { nearest } from "./target.ts";

/** The files that a project is to be written for. */
export interface Source {
  /** Relative to the project's folder, with forward slashes. */
  readonly path: string;
  readonly absolute: string;
}

/** @throws CLI_NO_SOURCE naming a file that is spelt alike */
export function resolveSource(from: string, folder: string): Source {
  const absolute = resolve(from);
  if (!existsSync(absolute) && !/[*?[{]/.test(from)) {
    const near = nearest(basename(from), filesBeside(absolute));
    throw cliErrors.CLI_NO_SOURCE.error(`there is no file ${absolute}`, {
      details: { file: absolute },
      ...(near === undefined ? {} : { hint: `did you mean ${join(dirname(from), near)}?` }),
    });
  }
  return { path: relative(folder, absolute).split(sep).join("/"), absolute };
}

function filesBeside(path: string): string[] {
  return existsSync(dirname(path)) ? readdirSync(dirname(path)) : [];
}

export function sourceDraft(
  { format, glob: _, ...options }: SourceInspection["source"],
  path: string,
): SourceDraft {
  return { format, path, options };
}

export async function inspect(
  source: Source,
  { folder, session }: { readonly folder: string; readonly session: Session },
): Promise<SourceInspection> {
  const { inspectSource } = await import("../../app/index.ts");
  const progress = openProgress({ err: session.terminal.err, label: "reading" });
  try {
    return await inspectSource({
      glob: source.path,
      root: folder,
      signal: session.signal,
      onRows: (done, of) =>
        progress.onProgress({ kind: "progress", step: "reading", done, of, unit: "rows" }),
    });
  } finally {
    progress.close();
  }
}

/** A gap in the target must be found before it can be filled. */
export async function placeOfFirstMissing(
  facts: readonly ColumnFacts[],
  target: string | undefined,
  inspection: SourceInspection,
): Promise<string> {
  const row = facts.find(({ name }) => name === target)?.firstMissing;
  return row === undefined ? "" : await placeInWords(row, inspection);
}

export async function placesOfStrays(
  facts: readonly ColumnFacts[],
  inspection: SourceInspection,
): Promise<StrayPlaces> {
  const places = new Map<string, string>();
  for (const { name, strays } of facts) {
    if (strays !== undefined) places.set(name, await placeInWords(strays.row, inspection));
  }
  return places;
}

/** `line 12 of data.csv`; files without lines have rows. */
async function placeInWords(row: number, { placeOf }: SourceInspection): Promise<string> {
  const place = await placeOf(row);
  return place.line === undefined
    ? `row ${formatCount(place.row)}`
    : `line ${formatCount(place.line)} of ${place.file}`;
}
