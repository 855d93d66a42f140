import type { OperationOutput } from "../wire/index.ts";
import { argument, countOption, defineCommand } from "./command.ts";
import { formatTime } from "./format-values.ts";
import { type Column, renderTable } from "./table.ts";

type Entry = OperationOutput<"journal">["entries"][number];

export const journalCommand = defineCommand({
  name: "journal",
  summary: "Show what was changed, when, by whom and why, newest first.",
  parameters: {
    model: argument("[model]", "Only what concerns this model."),
    limit: countOption("--limit <number>", "At most so many entries. Default: 50."),
    before: countOption("--before <sequence>", "Only entries before this one: the next page."),
  },
  examples: ["slipway journal", "slipway journal churn --limit 5 --json"],
  reach: "server",
  run: async ({ model, limit, before }, session) => {
    const page = await session.call("journal", { model, limit, before });
    const columns: readonly Column<Entry>[] = [
      { title: "#", align: "right", cell: (row) => row.sequence },
      { title: "when", cell: (row) => formatTime(row.at) },
      { title: "who", cell: (row) => row.actor },
      { title: "what", cell: (row) => row.action },
      { title: "model", cell: (row) => row.model },
      { title: "why", cell: (row) => row.reason, shrinks: true },
      { title: "details", cell: detailsText, shrinks: true },
    ];
    return {
      data: page,
      text: (out) =>
        page.entries.length === 0 ? "the journal is empty\n" : renderTable(columns, page.entries, out),
    };
  },
});

function detailsText({ details }: Entry): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${shorten(typeof value === "string" ? value : JSON.stringify(value))}`)
    .join(", ");
}

const shorten = (value: string): string => (/^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value);
