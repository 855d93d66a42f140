import { imagesErrors } from "../images/index.ts";
import type { SlipwayError } from "../kernel/index.ts";
import { readCsvRows } from "./csv-rows.ts";
import { csvDialect, readCsvHeader } from "./csv-source.ts";
import type { LoadedFile } from "./load.ts";
import { jsonLines } from "./ndjson-rows.ts";
import type { BadRow, RejectCollector } from "./rejects.ts";
import type { GatheredColumn } from "./resolve-images.ts";
import type { FoundFile } from "./source-files.ts";
import type { SourceSpec } from "./spec.ts";
import { textRulesOf } from "./text-values.ts";

/** Rows of a file whose images are bad, with where they stand in it: its lines are read again as far as the last of them. */
export function* badImageRows(
  file: LoadedFile,
  found: {
    /** Among the rows that were loaded, from 0. */
    readonly rows: ReadonlySet<number>;
    readonly columns: readonly GatheredColumn[];
    readonly source: SourceSpec;
    readonly rejects: RejectCollector | undefined;
  },
): Generator<BadRow, void, undefined> {
  const rejected = found.rejects?.placesIn(file.source.name) ?? new Set<number>();
  let left = found.rows.size;
  let row = 0;
  for (const { place, raw } of rowsOf(file.source, found.source)) {
    if (rejected.has(place.line ?? place.row ?? 0)) continue;
    if (found.rows.has(row)) {
      const error = errorOf(file.source, { row, place, columns: found.columns });
      const at = place.line === undefined ? { row: place.row ?? 0 } : { line: place.line };
      yield { file: file.source.name, place: at, error, raw: raw ?? JSON.stringify(error.details) };
      left -= 1;
      if (left === 0) return;
    }
    row += 1;
  }
}

interface Row {
  readonly place: { readonly line?: number; readonly row?: number };
  readonly raw: Buffer | undefined;
}

function* rowsOf(file: FoundFile, source: SourceSpec): Generator<Row, void, undefined> {
  switch (source.format) {
    case "csv": {
      const dialect = csvDialect(source);
      const header = readCsvHeader(file, dialect);
      const expected = { header, schema: [], dialect, rules: textRulesOf(source) };
      for (const { line, bytes } of readCsvRows(file, expected)) yield { place: { line }, raw: bytes };
      return;
    }
    case "ndjson":
      for (const { line, bytes } of jsonLines(file)) yield { place: { line }, raw: bytes };
      return;
    case "parquet":
      for (let row = 1; ; row++) yield { place: { row }, raw: undefined };
  }
}

/** The error of the first bad image of a row, told with its place. */
function errorOf(
  file: FoundFile,
  at: { readonly row: number; readonly place: Row["place"]; readonly columns: readonly GatheredColumn[] },
): SlipwayError {
  for (const { name, places, images } of at.columns) {
    const image = images[places[at.row]!];
    if (image === undefined || !("error" in image)) continue;
    const where = at.place.line === undefined ? `row ${at.place.row}` : `line ${at.place.line}`;
    const reason = String(image.error.details.reason);
    const shown = image.text.length > 200 ? `${image.text.slice(0, 40)}…` : image.text;
    const factory = Object.values(imagesErrors).find(({ code }) => code === image.error.code);
    return (factory ?? imagesErrors.IMAGES_BAD_IMAGE).error(
      `${file.name}, ${where}, column ${name}: the image ${shown} ${reason}`,
      {
        details: { file: file.name, ...at.place, column: name, value: image.text.slice(0, 1000), reason },
        cause: image.error,
        ...(image.error.hint === undefined ? {} : { hint: image.error.hint }),
      },
    );
  }
  throw new Error("unreachable: the row has a bad image");
}
