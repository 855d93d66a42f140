import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnType } from "../kernel/index.ts";
import { ColumnEvidence, type ColumnGuess, guessColumn } from "./column-evidence.ts";
import { Engine } from "./engine.ts";
import {
  assemble,
  type InferRequest,
  type InferredColumn,
  type InferredSource,
  noRows,
} from "./inferred-source.ts";
import { describeParquetFile } from "./parquet-source.ts";
import { typeOfParquet } from "./parquet-values.ts";
import { summarizeParquet } from "./queries.ts";
import type { FoundFile } from "./source-files.ts";

export async function inferParquet(
  files: readonly FoundFile[],
  request: InferRequest,
): Promise<InferredSource> {
  const spillDirectory = await mkdtemp(join(tmpdir(), "slipway-infer-"));
  try {
    const engine = await Engine.open({ threads: 2, memoryBytes: 1 << 30, spillDirectory });
    try {
      const stored = await describeParquetFile(engine, files[0]!);
      const notes: string[] = [];
      const details: InferredColumn[] = [];
      let rowCount = 0;
      for (const { name, stored: storedType } of stored) {
        const type = typeOfParquet(storedType);
        if (type === undefined) {
          notes.push(`${name} is left out: it is ${storedType}`);
          continue;
        }
        const [row] = await engine.rows(
          summarizeParquet(
            files.map(({ path }) => path),
            name,
          ),
        );
        rowCount = Number(row?.rows);
        details.push(parquetColumn(name, type, row ?? {}));
      }
      if (rowCount === 0) throw noRows(files);
      return assemble(details, { source: { format: "parquet", glob: request.glob }, rowCount, notes });
    } finally {
      engine.close();
    }
  } finally {
    await rm(spillDirectory, { recursive: true, force: true });
  }
}

function parquetColumn(name: string, type: ColumnType, row: Record<string, unknown>): InferredColumn {
  const evidence = new ColumnEvidence(name);
  const present = Number(row.present);
  const distinct = Math.min(present, Number(row.distinct));
  const examples = String(row.examples ?? "")
    .split("\u0000")
    .filter((text) => text !== "");
  evidence.present = present;
  for (let i = 0; i < Math.min(distinct, 20_000); i++) evidence.distinct.add(String(i));
  evidence.characters = Number(row.characters ?? 0);
  evidence.words = Number(row.words ?? 0);
  evidence.wholes = type === "int" ? present : 0;
  evidence.decimals = type === "int" || type === "float" ? present : 0;
  if (type === "int") {
    evidence.smallest = Number(row.smallest);
    evidence.largest = Number(row.largest);
  }
  const guess: ColumnGuess = guessColumn(evidence);
  return {
    name,
    type: type === "category" ? guess.type : type,
    missing: Number(row.rows) - present,
    distinct,
    idLike: (type === "category" || type === "int") && guess.idLike,
    examples,
  };
}
