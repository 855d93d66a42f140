import { systemClock } from "../kernel/index.ts";
import type { OperationOutput, SnapshotColumn } from "../wire/index.ts";
import { argument, countOption, defineCommand, defineGroup, option } from "./command.ts";
import { diffCommand } from "./data-diff.ts";
import { exportCommand } from "./data-export.ts";
import { faultsText, rejectedText, rejectsCommand } from "./data-rejects.ts";
import { tagCommand, untagCommand } from "./data-tag.ts";
import { validateCommand } from "./data-validate.ts";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDigest,
  formatDuration,
  formatMetric,
  formatTime,
} from "./format-values.ts";
import { parseSnapshotReference } from "./snapshot-reference.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import type { Output } from "./terminal.ts";
import { validationCell } from "./validation-text.ts";

const addCommand = defineCommand({
  name: "add",
  summary: "Read the sources of the datasets and record a snapshot of each.",
  details:
    'Rows that are all in the last snapshot make no new one. A row that does not fit stops it, and nothing is recorded, unless the dataset says `onBadRow: "quarantine"`: `slipway data rejects` then shows what was left out.',
  parameters: { dataset: argument("[dataset]", "Only this dataset.") },
  examples: ["slipway data add", "slipway data add flights --json"],
  reach: "server",
  run: async ({ dataset }, session) => {
    const added = await session.call("data.add", { dataset }, "reading");
    return {
      data: added,
      text: (out) =>
        added.snapshots
          .map(
            (snapshot) =>
              `${out.paint("bold", snapshot.dataset)} ${formatDigest(snapshot.digest)}  ${formatCount(snapshot.rowCount)} rows${rejectedText(snapshot)}, ${formatBytes(snapshot.bytes)}${snapshot.reused ? "  same as before" : ""}  ${out.paint("dim", formatDuration(snapshot.durationMs))}\n${validationLine(snapshot.validation, out)}`,
          )
          .join(""),
    };
  },
});

const logCommand = defineCommand({
  name: "log",
  summary: "List snapshots, newest first.",
  parameters: {
    dataset: argument("[dataset]", "Only this dataset."),
    limit: countOption("--limit <number>", "At most so many. Default: 50."),
  },
  examples: ["slipway data log", "slipway data log flights --limit 5"],
  reach: "server",
  run: async ({ dataset, limit }, session) => {
    const log = await session.call("data.log", { dataset, limit });
    const columns: readonly Column<(typeof log.snapshots)[number]>[] = [
      { title: "dataset", cell: (row) => row.dataset },
      { title: "snapshot", cell: (row) => formatDigest(row.digest) },
      { title: "tags", cell: (row) => (row.tags.length === 0 ? null : row.tags.join(", ")) },
      { title: "rows", align: "right", cell: (row) => formatCount(row.rowCount) },
      ...(log.snapshots.some(({ rejected }) => rejected > 0)
        ? [
            {
              title: "rejected",
              align: "right" as const,
              cell: ({ rejected }: { rejected: number }) => (rejected === 0 ? null : formatCount(rejected)),
            },
          ]
        : []),
      { title: "size", align: "right", cell: (row) => formatBytes(row.bytes) },
      { title: "added", cell: (row) => formatAge(row.addedAt, systemClock()) },
      { title: "by", cell: (row) => row.actor, shrinks: true },
    ];
    return {
      data: log,
      text: (out) =>
        log.snapshots.length === 0
          ? "no snapshots yet: slipway data add\n"
          : renderTable(columns, log.snapshots, out),
    };
  },
});

const showCommand = defineCommand({
  name: "show",
  summary: "Describe a snapshot: its columns, their values, the files it was read from.",
  parameters: {
    dataset: argument("<dataset>", "The dataset, or one snapshot of it: flights@3f9a12, flights@gold."),
    asOf: option(
      "--as-of <time>",
      "The snapshot that was the newest then: 2026-11-01 (its first moment in UTC), 7d.",
    ),
  },
  examples: [
    "slipway data show flights",
    "slipway data show flights@3f9a12 --json",
    "slipway data show flights --as-of 2026-11-01",
  ],
  reach: "server",
  run: async ({ dataset, asOf }, session) => {
    const shown = await session.call("data.show", parseSnapshotReference(dataset, asOf));
    return { data: shown, text: (out) => describe(shown, out) };
  },
});

export const dataCommand = defineGroup({
  name: "data",
  summary: "Snapshots of the datasets: add, list, compare, validate, tag, export, look at what was rejected.",
  examples: ["slipway data add", "slipway data log", "slipway data show flights"],
  subcommands: [
    addCommand,
    logCommand,
    showCommand,
    rejectsCommand,
    diffCommand,
    validateCommand,
    tagCommand,
    untagCommand,
    exportCommand,
  ],
});

type Added = OperationOutput<"data.add">["snapshots"][number];

function validationLine(validation: Added["validation"], { paint }: Output): string {
  if (validation === null) return "";
  const { text, style } = validationCell(validation);
  return `  ${paint(style, text)}\n`;
}

function describe(shown: OperationOutput<"data.show">, out: Output): string {
  const columns: readonly Column<SnapshotColumn>[] = [
    { title: "column", cell: (column) => column.name },
    {
      title: "type",
      cell: (column) => (column.known === "after" ? `${column.type}, known after` : column.type),
    },
    {
      title: "missing",
      align: "right",
      cell: (column) => (column.missing === 0 ? null : formatCount(column.missing)),
    },
    { title: "values", cell: valuesText, shrinks: true },
  ];
  return [
    `${out.paint("bold", shown.dataset)} ${formatDigest(shown.digest)}\n`,
    renderFields(
      [
        ...(shown.tags.length === 0 ? [] : [["tags", shown.tags.join(", ")] as const]),
        ["rows", formatCount(shown.rowCount)],
        ...(shown.rejected === 0 ? [] : [["rejected", faultsText(shown)] as const]),
        ["size", `${formatBytes(shown.bytes)} in ${shown.parts} ${shown.parts === 1 ? "part" : "parts"}`],
        ["added", `${formatTime(shown.addedAt)} by ${shown.actor}`],
        [
          "read from",
          shown.files
            .map((file) => file.path)
            .slice(0, 5)
            .join(", ") + (shown.files.length > 5 ? ` and ${shown.files.length - 5} more` : ""),
        ],
        ["digest", shown.digest],
        [
          "validated",
          shown.validation === null
            ? null
            : {
                text: `${formatTime(shown.validation.validatedAt)}  ${validationCell(shown.validation).text}`,
                style: validationCell(shown.validation).style,
              },
        ],
      ],
      out,
    ),
    "\n",
    renderTable(columns, shown.columns, out),
  ].join("");
}

function valuesText(column: SnapshotColumn): string {
  if (column.top.length > 0) {
    const top = column.top
      .slice(0, 4)
      .map(({ value, count }) => `${value === "" ? "(empty)" : value} ${formatCount(count)}`);
    const distinct = column.distinct === null ? "" : `${formatCount(column.distinct)} different: `;
    return `${distinct}${top.join(", ")}`;
  }
  if (column.min === null || column.max === null) return "";
  if (column.type === "timestamp") return `${isoDay(column.min)} to ${isoDay(column.max)}`;
  const mean = column.mean === null ? "" : `, mean ${formatMetric(column.mean)}`;
  return `${number(column.min)} to ${number(column.max)}${mean}`;
}

const number = (value: number): string =>
  Number.isInteger(value) ? formatCount(value) : formatMetric(value);

const isoDay = (ms: number): string => formatTime(new Date(ms).toISOString());
