import { resolve } from "node:path";
import { argument, defineCommand, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatBytes, formatDigest, formatDuration, formatQuantity } from "./format-values.ts";
import { parseSnapshotReference } from "./snapshot-reference.ts";

export const exportCommand = defineCommand({
  name: "export",
  summary: "Write the rows of a snapshot to a file.",
  details:
    "Values are canonical: times in UTC, numbers so that they are read back as the same. Read again they make the same snapshot, but that CSV cannot tell an empty text from a missing one.",
  parameters: {
    dataset: argument("<dataset>", "The dataset, or one snapshot of it: flights@3f9a12, flights@gold."),
    out: option("--out <path>", "A .csv, .tsv, .ndjson or .parquet file; it appears whole or not at all."),
    asOf: option(
      "--as-of <time>",
      "The snapshot that was the newest then: 2026-11-01 (its first moment in UTC), 7d.",
    ),
  },
  examples: [
    "slipway data export flights --out flights.parquet",
    "slipway data export flights --as-of 2026-11-01 --out november.csv",
  ],
  reach: "server",
  run: async ({ dataset, out, asOf }, session) => {
    if (out === undefined) throw cliErrors.CLI_USAGE.error("say where to write: --out flights.parquet");
    const exported = await session.call(
      "data.export",
      { ...parseSnapshotReference(dataset, asOf), out: resolve(out) },
      "writing",
    );
    return {
      data: exported,
      text: ({ paint }) =>
        `${paint("bold", exported.dataset)} ${formatDigest(exported.snapshot)}  ${formatQuantity(exported.rows, "rows")}, ${formatBytes(exported.bytes)} to ${exported.out}  ${paint("dim", formatDuration(exported.durationMs))}\n`,
    };
  },
});
