import type { OperationOutput } from "../wire/index.ts";
import { argument, defineCommand, flag, option } from "./command.ts";
import { formatCount, formatDigest, formatMetric, formatQuantity } from "./format-values.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import type { Output } from "./terminal.ts";

type Difference = OperationOutput<"data.diff">;
type ByKey = Extract<Difference["rows"], { by: "key" }>;
type ColumnDifference = Difference["columns"][number];

export const diffCommand = defineCommand({
  name: "diff",
  summary: "Compare two snapshots: columns, rows, and how values are distributed.",
  details: [
    "With --key, rows are told apart by these columns and counted as added, removed, changed or the same. Without it, they are compared by blocks of 65,536 where they stand.",
    "Distances: L∞ is the largest difference in the share of a category; JS the Jensen–Shannon distance (base 2, 0 to 1); PSI the population stability index (natural logarithm, empty bins as 0.0001); KS the Kolmogorov–Smirnov statistic. Numbers are compared in bins that hold about a twentieth of the first snapshot's values each, made of the profiles' fixed bins; with --exact by the rows themselves, in bins of equal width. --json says for each number how it was made.",
  ].join("\n\n"),
  parameters: {
    dataset: argument("<dataset>", "The dataset."),
    before: argument("<before>", "A snapshot: a tag, a digest or the beginning of one."),
    after: argument("[after]", "The snapshot to compare it with. Default: latest."),
    key: option("--key <columns>", "Columns that together name a row: id, or origin,date."),
    exact: flag("--exact", "Distances of numbers from the rows instead of the profiles: slower."),
  },
  examples: [
    "slipway data diff flights 3f9a12",
    "slipway data diff customers before-cleaning latest --key customerID",
  ],
  reach: "server",
  run: async ({ dataset, before, after, key, exact }, session) => {
    const difference = await session.call(
      "data.diff",
      { dataset, before, after, exact, key: key?.split(",").map((name) => name.trim()) },
      "comparing",
    );
    return { data: difference, text: (out) => describe(difference, out) };
  },
});

function describe(difference: Difference, out: Output): string {
  const { dataset, before, after, rows } = difference;
  const changed = difference.columns.filter(isDifferent);
  return [
    `${out.paint("bold", dataset)} ${formatDigest(before.digest)} ${formatQuantity(before.rowCount, "rows")} → ${formatDigest(after.digest)} ${formatQuantity(after.rowCount, "rows")}\n`,
    renderFields([["columns", schemaText(difference)], ...rowFields(rows)], out),
    rows.by === "key" && rows.examples.length > 0
      ? `\n${renderTable(exampleColumns(rows), rows.examples, out)}`
      : "",
    changed.length === 0
      ? "\nthe values of all columns are distributed as before\n"
      : `\n${renderTable(distanceColumns, changed, out)}`,
    changed.length > 0 && changed.length < difference.columns.length
      ? out.paint(
          "dim",
          `the other ${difference.columns.length - changed.length} columns are distributed as before\n`,
        )
      : "",
  ].join("");
}

function schemaText({ schema }: Difference): string {
  const parts = [
    ...schema.added.map(({ name, type }) => `+ ${name} ${type}`),
    ...schema.removed.map(({ name, type }) => `- ${name} ${type}`),
    ...schema.retyped.map(({ name, before, after }) => `${name} ${before} → ${after}`),
  ];
  return parts.length === 0 ? "the same" : parts.join(", ");
}

function rowFields(rows: Difference["rows"]): [string, string][] {
  if (rows.by === "block") {
    return [
      ["same rows at the start", formatCount(rows.sameAtStart)],
      [
        "same blocks",
        `${formatCount(rows.blocks.same)} of ${formatCount(rows.blocks.after)}, ${formatQuantity(rows.inSameBlocks, "rows")}`,
      ],
    ];
  }
  const columns = rows.changedColumns.map(({ name, rows: count }) => `${name} ${formatCount(count)}`);
  return [
    ["rows added", formatCount(rows.added)],
    ["removed", formatCount(rows.removed)],
    ["changed", formatCount(rows.changed) + (columns.length === 0 ? "" : `: ${columns.join(", ")}`)],
    ["the same", formatCount(rows.same)],
  ];
}

function exampleColumns({ key }: ByKey): readonly Column<ByKey["examples"][number]>[] {
  const colours = { added: "green", removed: "red", changed: "yellow" } as const;
  return [
    { title: "row", cell: ({ change }) => ({ text: change, style: colours[change] }) },
    ...key.map((title, at): Column<ByKey["examples"][number]> => ({ title, cell: (row) => row.key[at] })),
    {
      title: "values",
      cell: ({ values }) =>
        values.map(({ column, before, after }) => `${column} ${before ?? "–"} → ${after ?? "–"}`).join(", "),
      shrinks: true,
    },
  ];
}

const distanceOf = (column: ColumnDifference, measure: ColumnDifference["distances"][number]["measure"]) => {
  const found = column.distances.find((distance) => distance.measure === measure);
  return found === undefined ? null : formatMetric(found.value);
};

const distanceColumns: readonly Column<ColumnDifference>[] = [
  { title: "column", cell: ({ name }) => name },
  { title: "type", cell: ({ type }) => type },
  { title: "missing", align: "right", cell: missingText },
  { title: "L∞", align: "right", cell: (column) => distanceOf(column, "l-infinity") },
  { title: "JS", align: "right", cell: (column) => distanceOf(column, "jensen-shannon") },
  { title: "PSI", align: "right", cell: (column) => distanceOf(column, "psi") },
  { title: "KS", align: "right", cell: (column) => distanceOf(column, "kolmogorov-smirnov") },
];

function missingText({ missing: { before, after } }: ColumnDifference): string | null {
  if (before === after) return before === null || before === 0 ? null : percent(before);
  return `${percent(before)} → ${percent(after)}`;
}

const percent = (share: number | null): string => (share === null ? "–" : `${(share * 100).toFixed(2)} %`);

function isDifferent({ missing, distances }: ColumnDifference): boolean {
  return missing.before !== missing.after || distances.some(({ value }) => value > 0);
}
