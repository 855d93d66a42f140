import { commandName } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import type { ServerStatus } from "../wire/index.ts";
import { defineCommand } from "./command.ts";
import { formatAge, formatBytes, formatCount, formatDigest, formatDuration } from "./format-values.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import { type Output, printable, type Style } from "./terminal.ts";

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
    { title: "cpu", align: "right", cell: ({ load }) => load && `${Math.round(load.cpu * 100)} %` },
    { title: "memory", align: "right", cell: ({ load }) => load && formatBytes(load.residentBytes) },
    { title: "in hand", align: "right", cell: ({ load }) => load?.inFlight },
    { title: "generation", align: "right", cell: (row) => row.generation },
    { title: "restarts", align: "right", cell: (row) => row.restarts },
    { title: "since", cell: (row) => formatAge(row.since, systemClock()) },
  ];
  const models: readonly Column<Served>[] = [
    { title: "  model", cell: (row) => `  ${row.model}` },
    { title: "version", align: "right", cell: (row) => `v${row.version}` },
    { title: "state", cell: (row) => ({ text: row.state, style: STYLES[row.state] ?? "yellow" }) },
    { title: "answered", align: "right", cell: (row) => formatCount(row.requests) },
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
    status.problems.length === 0 ? "" : "\n",
    ...status.problems.map((problem) => `${paint("red", "!")} ${printable(problem)}\n`),
    status.scaling === null ? "" : `\n${paint("dim", scalingText(status.scaling))}\n`,
    status.running ? "" : `\nStart it: ${commandName()} up\n`,
  ].join("");
}

function scalingText({ at, action, workers, reason }: NonNullable<ServerStatus["scaling"]>): string {
  const what = action === "started" ? "started a worker" : "stopped a worker";
  return `${formatAge(at, systemClock())} ${what}, ${workers} then: ${printable(reason)}`;
}

function streamText({ sequence, ageMs, problem }: NonNullable<ServerStatus["stream"]>): string {
  const state = problem ?? (ageMs < 5_000 ? "" : `as it was ${formatDuration(ageMs)} ago`);
  return [`event ${formatCount(sequence)}`, state].filter((part) => part !== "").join(", ");
}
