import { ColumnEvidence, refuseStray } from "./column-evidence.ts";
import { diagnoseCsv } from "./csv-rows.ts";
import { CsvScanner } from "./csv-scanner.ts";
import { csvDialect, looksLikeNumber, noHeader, readCsvHeader } from "./csv-source.ts";
import { conclude, type InferRequest, type InferredSource, noRows } from "./inferred-source.ts";
import type { FoundFile } from "./source-files.ts";
import { textRulesOf } from "./text-values.ts";

const DELIMITERS = [",", "\t", ";", "|"];
const SNIFFED_RECORDS = 200;

export function inferCsv(files: readonly FoundFile[], request: InferRequest): InferredSource {
  const known = request.source ?? {};
  const first = files[0]!;
  const dialect = csvDialect({ ...known, delimiter: known.delimiter ?? sniffDelimiter(first) });
  const header = readCsvHeader(first, dialect);
  const value = header.names.find(looksLikeNumber);
  if (value !== undefined) throw noHeader(first, header.skip + 1, value);
  const evidence = header.names.map((name) => new ColumnEvidence(name));
  let rowCount = 0;
  for (const file of files) {
    const own = readCsvHeader(file, dialect);
    const order = own.names.map((name) => evidence.find((column) => column.name === name));
    const { records } = diagnoseCsv([file], {
      header: own,
      schema: [],
      dialect,
      rules: textRulesOf({ format: "csv", glob: [] }),
      onRecord: ({ fields, line, fieldLines }) => {
        for (let i = 0; i < fields.length; i++) {
          order[i]?.add(fields[i]!, { file, line: fieldLines?.[i] ?? line });
        }
      },
    });
    rowCount += records;
  }
  if (rowCount === 0) throw noRows(files);
  const named = evidence.filter(({ name }) => name !== "");
  for (const column of named) refuseStray(column);
  return conclude(named, {
    rowCount,
    source: {
      ...known,
      format: "csv",
      glob: request.glob,
      ...(dialect.delimiter === "," ? {} : { delimiter: dialect.delimiter }),
      ...(dialect.quote === '"' ? {} : { quote: dialect.quote }),
    },
  });
}

/** The delimiter by which the first records have the same number of fields, and most of them. */
function sniffDelimiter(file: FoundFile): string {
  let best = ",";
  let bestScore = 0;
  for (const delimiter of DELIMITERS) {
    const scanner = new CsvScanner(file.path, { delimiter, quote: '"' });
    try {
      const counts: number[] = [];
      for (let record = scanner.next(); record !== undefined && counts.length < SNIFFED_RECORDS; ) {
        if (record.fields.length > 1 || record.fields[0] !== "") counts.push(record.fields.length);
        record = scanner.next();
      }
      const fields = counts[0] ?? 1;
      const agreeing = counts.filter((count) => count === fields).length / Math.max(1, counts.length);
      const score = fields < 2 || scanner.fault !== undefined ? 0 : agreeing * agreeing * (1 - 1 / fields);
      if (score > bestScore) {
        best = delimiter;
        bestScore = score;
      }
    } finally {
      scanner.close();
    }
  }
  return best;
}
