import type { Engine } from "./engine.ts";
import { datasetsErrors } from "./errors.ts";
import { keysOf, readNdjsonRows } from "./ndjson-rows.ts";
import { copyTo, selectNdjson } from "./queries.ts";
import { type RowTarget, withoutSieve } from "./row-target.ts";
import { siftNdjson } from "./sift-files.ts";
import type { SchemaColumn } from "./snapshot.ts";
import { requireColumns } from "./source-faults.ts";
import type { FoundFile } from "./source-files.ts";
import { checkUtf8, refuseOtherThanText } from "./text-encoding.ts";
import { textRulesOf } from "./text-values.ts";

/** @throws DATASETS_EMPTY_FILE, DATASETS_MISSING_COLUMN, DATASETS_BAD_LINE, DATASETS_BAD_ENCODING */
export function checkNdjson(
  file: FoundFile,
  schema: readonly SchemaColumn[],
  options: { readonly skipBad: boolean },
): void {
  refuseOtherThanText(file);
  requireColumns(file, keysOf(file, options), schema);
}

/** Writes the rows of NDJSON files to `target`; what the table engine refuses is found again and named exactly. */
export async function writeNdjson(
  engine: Engine,
  files: readonly FoundFile[],
  target: RowTarget,
): Promise<void> {
  const { schema, path, source } = target;
  const paths = files.map((file) => file.path);
  try {
    await engine.moveRows(copyTo(selectNdjson(paths, schema, textRulesOf(source)), path), target.onShare);
  } catch (thrown) {
    engine.rethrowUnlessData(thrown);
    if (target.sift !== undefined) {
      const expected = { schema, timestampFormat: source.timestampFormat };
      const good = await siftNdjson(files, expected, target.sift);
      return await writeNdjson(engine, good, withoutSieve(target));
    }
    for (const file of files) diagnoseNdjson(file, schema, source.timestampFormat);
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw datasetsErrors.DATASETS_ENGINE.error(`the table engine cannot read the files: ${reason}`, {
      cause: thrown,
    });
  }
}

/** Names the first thing that is wrong. @throws DATASETS_BAD_ENCODING, DATASETS_BAD_LINE, DATASETS_BAD_CELL */
export function diagnoseNdjson(
  file: FoundFile,
  schema: readonly SchemaColumn[],
  timestampFormat: string | undefined,
): void {
  checkUtf8(file);
  for (const { error } of readNdjsonRows(file, schema, timestampFormat)) {
    if (error !== undefined) throw error;
  }
}
