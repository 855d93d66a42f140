import { resolve } from "node:path";
import type { OperationOutput } from "../wire/index.ts";
import { argument, countOption, defineCommand, option } from "./command.ts";
import { formatBytes, formatCount, formatDigest, formatQuantity } from "./format-values.ts";
import { parseSnapshotReference } from "./snapshot-reference.ts";
import { type Column, renderTable } from "./table.ts";

type Rejects = OperationOutput<"data.rejects">;

export const rejectsCommand = defineCommand({
  name: "rejects",
  summary: "Show the rows that were rejected when a snapshot was taken, and why.",
  details:
    'Datasets that say `onBadRow: "quarantine"` leave bad rows out. With --out they are written to a file, each with file, line or row, column, value, reason and the row as it stood.',
  parameters: {
    dataset: argument("<dataset>", "The dataset, or one snapshot of it: flights@3f9a12, flights@gold."),
    asOf: option(
      "--as-of <time>",
      "The snapshot that was the newest then: 2026-11-01 (its first moment in UTC), 7d.",
    ),
    limit: countOption("--limit <number>", "At most so many. Default: 50."),
    out: option("--out <path>", "Write all of them to a .csv, .tsv, .ndjson or .parquet file instead."),
  },
  examples: ["slipway data rejects flights", "slipway data rejects flights@3f9a12 --out rejects.ndjson"],
  reach: "server",
  run: async ({ dataset, asOf, limit, out }, session) => {
    const choice = parseSnapshotReference(dataset, asOf);
    if (out !== undefined) {
      const written = await session.call(
        "data.export",
        { ...choice, out: resolve(out), what: "rejects" },
        "writing",
      );
      return {
        data: written,
        text: ({ paint }) =>
          `${paint("bold", written.dataset)} ${formatDigest(written.snapshot)}  ${formatQuantity(written.rows, "rejects")}, ${formatBytes(written.bytes)} to ${written.out}\n`,
      };
    }
    const found = await session.call("data.rejects", { ...choice, limit });
    return {
      data: found,
      text: (output) => {
        const title = `${output.paint("bold", found.dataset)} ${formatDigest(found.snapshot)}`;
        if (found.rejected === 0) return `${title}  no row was rejected\n`;
        const of = formatCount(found.rowCount + found.rejected);
        const rest = found.rejected - found.rejects.length;
        return [
          `${title}  ${formatCount(found.rejected)} of ${of} rows rejected\n\n`,
          renderTable(columns, found.rejects, output),
          rest === 0 ? "" : output.paint("dim", `and ${formatCount(rest)} more: --limit, --out\n`),
        ].join("");
      },
    };
  },
});

const columns: readonly Column<Rejects["rejects"][number]>[] = [
  { title: "file", cell: ({ file }) => file },
  {
    title: "line",
    align: "right",
    cell: ({ line, row }) => (line === undefined ? (row === undefined ? null : `row ${row}`) : String(line)),
  },
  { title: "column", cell: ({ column }) => column ?? null },
  { title: "value", cell: ({ value, raw }) => JSON.stringify(value ?? raw).slice(0, 80), shrinks: true },
  { title: "reason", cell: ({ reason }) => reason },
];

/** `, 12 rejected`, or nothing. */
export function rejectedText({ rejected }: { readonly rejected: number }): string {
  return rejected === 0 ? "" : `, ${formatCount(rejected)} rejected`;
}

export function faultsText({ rejected, faults }: OperationOutput<"data.show">): string {
  const kinds = faults.map(
    ({ code, column, rows }) => `${formatCount(rows)} ${code}${column === undefined ? "" : ` in ${column}`}`,
  );
  return `${formatCount(rejected)}: ${kinds.join(", ")}`;
}
