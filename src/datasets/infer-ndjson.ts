import type { ColumnType } from "../kernel/index.ts";
import { ColumnEvidence, guessColumn } from "./column-evidence.ts";
import { conclude, type InferRequest, type InferredSource, noRows } from "./inferred-source.ts";
import { jsonLines, parseJsonLine } from "./ndjson-rows.ts";
import type { FoundFile } from "./source-files.ts";

export function inferNdjson(files: readonly FoundFile[], request: InferRequest): InferredSource {
  const columns = new Map<string, { evidence: ColumnEvidence; kinds: Set<string> }>();
  let rowCount = 0;
  for (const file of files) {
    for (const line of jsonLines(file)) {
      rowCount += 1;
      for (const [name, value] of Object.entries(parseJsonLine(file, line))) {
        let column = columns.get(name);
        if (column === undefined) {
          column = { evidence: new ColumnEvidence(name), kinds: new Set() };
          columns.set(name, column);
        }
        if (value === null) continue;
        column.kinds.add(typeof value);
        column.evidence.add(typeof value === "object" ? JSON.stringify(value) : String(value), {
          file,
          line: line.line,
        });
      }
    }
  }
  if (rowCount === 0) throw noRows(files);
  const notes: string[] = [];
  const usable: ColumnEvidence[] = [];
  const types = new Map<string, ColumnType>();
  for (const [name, { evidence, kinds }] of columns) {
    const [kind] = kinds;
    if (kinds.size > 1 || kind === "object") {
      notes.push(`${name} is left out: it holds ${[...kinds].join(" and ")} values`);
      continue;
    }
    usable.push(evidence);
    const guess = guessColumn(evidence).type;
    if (kind === "string" && guess !== "timestamp" && guess !== "text") types.set(name, "category");
    if (kind === "number" && guess === "category") types.set(name, "float");
  }
  const source = { ...request.source, format: "ndjson", glob: request.glob } as const;
  return conclude(usable, { rowCount, source, types, notes });
}
