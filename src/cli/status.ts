import { commandName } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import type { ServerStatus } from "../wire/index.ts";
import { defineCommand } from "./command.ts";
import { formatAge, formatCount, formatDigest, formatDuration } from "./format-values.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import type { Output, Style } from "./terminal.ts";

export const statusCommand = defineCommand({
  name: "status",
  summary: "Say what is running: processes, addresses, models served.",
  parameters: {},
  examples: ["slipway status", "slipway status --server https://slipway.example.org --json"],
  reach: "server",
  run: async (_values, session) => {
    const status = await session.call("status", {});
    return { data: status, text: (out) => describe(status, out) };
  },
});

export const stopCommand = defineCommand({
  name: "stop",
  summary: "Stop the running server after the requests it has in hand.",
  parameters: {},
  examples: ["slipway stop"],
  reach: "server",
  run: async (_values, session) => {
    const { stopping } = await session.call("stop", {}, "stopping");
    return { data: { stopping }, text: () => (stopping ? "stopping\n" : "nothing is running\n") };
  },
});

type Process = ServerStatus["processes"][number];
type Served = ServerStatus["models"][number];

const STYLES: Readonly<Record<string, Style>> = { ready: "green", failed: "red" };

function describe(status: ServerStatus, out: Output): string {
  const { paint } = out;
  const state = status.running ? paint("green", "running") : paint("yellow", "not running");
  const since = status.since === null ? "" : `  ${paint("dim", formatAge(status.since, systemClock()))}`;
  const processes: readonly Column<Process>[] = [
    { title: "  process", cell: (row) => `  ${row.role}` },
    { title: "pid", align: "right", cell: (row) => row.pid },
    { title: "state", cell: (row) => ({ text: row.state, style: STYLES[row.state] ?? "yellow" }) },
    { title: "generation", align: "right", cell: (row) => row.generation },
    { title: "restarts", align: "right", cell: (row) => row.restarts },
    { title: "since", cell: (row) => formatAge(row.since, systemClock()) },
  ];
  const models: readonly Column<Served>[] = [
    { title: "  model", cell: (row) => `  ${row.model}` },
    { title: "version", align: "right", cell: (row) => `v${row.version}` },
    { title: "state", cell: (row) => ({ text: row.state, style: STYLES[row.state] ?? "yellow" }) },
    { title: "bundle", cell: (row) => formatDigest(row.bundle) },
    { title: "", cell: (row) => row.reason ?? "", shrinks: true },
  ];
  return [
    `${paint("bold", "slipway")} ${status.version} ${state}${since}\n`,
    renderFields(
      [
        ["project", status.project.root],
        ["state", status.project.state],
        ["database", status.database],
        ["predictions", status.predictions],
        ["gRPC", status.grpc],
        ["console", status.console],
        ["generation", status.generation],
        ...(status.stream === null ? [] : [["stream", streamText(status.stream)] as const]),
      ],
      out,
    ),
    status.processes.length === 0 ? "" : `\n${renderTable(processes, status.processes, out)}`,
    status.models.length === 0 ? "" : `\n${renderTable(models, status.models, out)}`,
    status.running ? "" : `\nStart it: ${commandName()} up\n`,
  ].join("");
}

function streamText({ sequence, ageMs, problem }: NonNullable<ServerStatus["stream"]>): string {
  const state = problem ?? (ageMs < 5_000 ? "" : `as it was ${formatDuration(ageMs)} ago`);
  return [`event ${formatCount(sequence)}`, state].filter((part) => part !== "").join(", ");
}
