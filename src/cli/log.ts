import { resolve } from "node:path";
import { systemClock } from "../kernel/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { argument, countOption, defineCommand, defineGroup, flag, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatAge, formatBytes, formatCount, formatDuration, formatQuantity } from "./format-values.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import type { Output } from "./terminal.ts";

type Answer = OperationOutput<"log.query">;
type Status = OperationOutput<"log.status">;

const queryCommand = defineCommand({
  name: "query",
  summary: "Ask the prediction log in SQL.",
  details: [
    "The statement is one SELECT in the SQL of DuckDB, over the table `predictions`: a row for each instance that was answered, whether it lies in a segment or has been compacted. `DESCRIBE predictions` lists its columns.",
    "It can read nothing else. Predictions that were sampled out have a row, too, with `kept` = 'sampled-out' and without record, features and outputs.",
  ].join("\n\n"),
  parameters: {
    sql: argument("<sql>", "The statement."),
    limit: countOption("--limit <number>", "Most rows that are printed. Default: 1,000."),
    csv: flag("--csv", "Print CSV."),
    out: option("--out <path>", "Write the whole answer to a .parquet, .csv or .ndjson file instead."),
  },
  examples: [
    'slipway log query "SELECT model, version, count(*) AS predictions FROM predictions GROUP BY ALL"',
    `slipway log query "SELECT date_trunc('hour', time) AS hour, avg(output) FROM predictions GROUP BY 1 ORDER BY 1"`,
    "slipway log query \"FROM predictions WHERE model = 'late'\" --out late.parquet",
  ],
  reach: "server",
  run: async ({ sql, limit, csv, out }, session) => {
    if (csv && out !== undefined)
      throw cliErrors.CLI_USAGE.error("give either --csv or --out", { hint: "--out answer.csv writes CSV" });
    const answer = await session.call(
      "log.query",
      { sql, limit, ...(out === undefined ? {} : { out: resolve(out) }) },
      "asking the log",
    );
    return { data: answer, text: (output) => (csv ? csvText(answer) : describeAnswer(answer, output)) };
  },
});

const statusCommand = defineCommand({
  name: "status",
  summary: "Say what the prediction log holds, and how much room it takes.",
  parameters: {},
  examples: ["slipway log status", "slipway log status --json"],
  reach: "server",
  run: async (_values, session) => {
    const status = await session.call("log.status", {});
    return { data: status, text: (out) => describeStatus(status, out) };
  },
});

export const logCommand = defineGroup({
  name: "log",
  summary: "Query the prediction log, and see what it holds.",
  examples: ['slipway log query "SELECT count(*) FROM predictions"', "slipway log status"],
  subcommands: [queryCommand, statusCommand],
});

function describeAnswer(
  { columns, rows, more, out, written, problems, durationMs }: Answer,
  output: Output,
): string {
  const { paint } = output;
  const took = paint("dim", formatDuration(durationMs));
  const damage = problems.map((problem) => `${paint("yellow", problem)}\n`).join("");
  if (out !== null)
    return `${formatQuantity(written ?? 0, "rows")} to ${paint("bold", out)}  ${took}\n${damage}`;
  const shown: readonly Column<readonly unknown[]>[] = columns.map(({ name, type }, at) => ({
    title: name,
    cell: (row) => cellText(row[at]),
    ...(/INT|DOUBLE|FLOAT|DECIMAL/.test(type) && !type.includes("[") ? { align: "right" as const } : {}),
    shrinks: true,
  }));
  const table = columns.length === 0 ? "" : renderTable(shown, rows, output);
  const rest = more ? "; there are more: --limit or --out" : "";
  return `${table}${paint("dim", `${formatQuantity(rows.length, "rows")}${rest}`)}  ${took}\n${damage}`;
}

function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function csvText({ columns, rows }: Answer): string {
  const lines = [
    columns.map(({ name }) => name),
    ...rows.map((row) => row.map((cell) => cellText(cell) ?? "")),
  ];
  return lines.map((cells) => `${cells.map(csvCell).join(",")}\n`).join("");
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function describeStatus({ segments, compacted, maxBytes, models }: Status, out: Output): string {
  const columns: readonly Column<Status["models"][number]>[] = [
    { title: "  model", cell: (row) => `  ${row.model}` },
    { title: "compacted", align: "right", cell: (row) => formatCount(row.predictions) },
    { title: "sampled out", align: "right", cell: (row) => formatCount(row.sampledOut) },
    { title: "size", align: "right", cell: (row) => formatBytes(row.bytes) },
    { title: "since", cell: (row) => (row.from === null ? null : formatAge(row.from, systemClock())) },
    { title: "sample", align: "right", cell: (row) => row.sample },
    { title: "kept", align: "right", cell: (row) => (row.keepDays === null ? null : `${row.keepDays} days`) },
  ];
  return [
    renderFields(
      [
        ["segments", `${formatCount(segments.count)}, ${formatBytes(segments.bytes)}`],
        [
          "compacted",
          `${formatQuantity(compacted.predictions, "predictions")} in ${formatQuantity(compacted.files, "files")}, ${formatBytes(compacted.bytes)}`,
        ],
        ["at most", formatBytes(maxBytes)],
      ],
      out,
    ),
    models.length === 0 ? "" : `\n${renderTable(columns, models, out)}`,
  ].join("");
}
