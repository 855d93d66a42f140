import { commandName } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { argument, countOption, defineCommand, option } from "./command.ts";
import { formatAge, formatDigest, formatDuration, formatTime } from "./format-values.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import { type Output, printable, type Style } from "./terminal.ts";

type Run = OperationOutput<"runs.list">["runs"][number];
type Step = OperationOutput<"runs.show">["steps"][number];

const STYLE_OF_STATE: Readonly<Record<Run["state"], Style>> = {
  queued: "dim",
  running: "cyan",
  succeeded: "green",
  rejected: "red",
  failed: "red",
  interrupted: "yellow",
  cancelled: "yellow",
};

const showCommand = defineCommand({
  name: "show",
  summary: "Describe one run with its steps.",
  parameters: { run: argument("<run>", "The run's id, or the beginning of it.") },
  examples: ["slipway runs show run_01jd8k2m"],
  reach: "server",
  run: async ({ run }, session) => {
    const shown = await session.call("runs.show", { run });
    return { data: shown, text: (out) => describe(shown, out) };
  },
});

const logCommand = defineCommand({
  name: "log",
  summary: "Print what the program of a run has printed.",
  details:
    "Only trainers made by command() print something. Lines that begin with # are said about the program.",
  parameters: { run: argument("<run>", "The run's id, or the beginning of it.") },
  examples: ["slipway runs log run_01jd8k2m"],
  reach: "server",
  run: async ({ run }, session) => {
    let piece = await session.call("runs.log", { run });
    const texts = [piece.text];
    while (piece.next < piece.bytes) {
      piece = await session.call("runs.log", { run: piece.run, from: piece.next });
      texts.push(piece.text);
    }
    const text = texts.join("");
    const nothing = piece.finished ? "the run has printed nothing\n" : "the run has printed nothing yet\n";
    return {
      data: { run: piece.run, text, finished: piece.finished },
      text: () => (text === "" ? nothing : text.split("\n").map(printable).join("\n")),
    };
  },
});

export const runsCommand = defineCommand({
  name: "runs",
  summary: "List runs, newest first; `runs show <run>` describes one, `runs log <run>` prints its output.",
  parameters: {
    model: option("--model <model>", "Only runs of this model."),
    limit: countOption("--limit <number>", "At most so many. Default: 50."),
  },
  examples: ["slipway runs", "slipway runs --model churn --limit 5", "slipway runs show run_01jd8k2m"],
  reach: "server",
  subcommands: [showCommand, logCommand],
  run: async ({ model, limit }, session) => {
    const listed = await session.call("runs.list", { model, limit });
    const columns: readonly Column<Run>[] = [
      { title: "run", cell: (row) => row.id },
      { title: "model", cell: (row) => row.model },
      { title: "state", cell: (row) => ({ text: row.state, style: STYLE_OF_STATE[row.state] }) },
      { title: "version", align: "right", cell: (row) => row.version },
      { title: "started", cell: (row) => formatAge(row.startedAt, systemClock()) },
      { title: "took", align: "right", cell: tookText },
      { title: "by", cell: (row) => row.actor, shrinks: true },
      { title: "error", cell: (row) => row.error?.message, shrinks: true },
    ];
    return {
      data: listed,
      text: (out) =>
        listed.runs.length === 0
          ? `no runs yet: ${commandName()} train\n`
          : renderTable(columns, listed.runs, out),
    };
  },
});

function tookText({ startedAt, finishedAt }: Run): string | null {
  return finishedAt === null ? null : formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
}

function describe(run: OperationOutput<"runs.show">, out: Output): string {
  const columns: readonly Column<Step>[] = [
    { title: "  step", cell: (step) => `  ${step.name}` },
    { title: "state", cell: (step) => step.state },
    {
      title: "took",
      align: "right",
      cell: (step) => (step.durationMs === null ? null : formatDuration(step.durationMs)),
    },
    { title: "", cell: (step) => ({ text: step.detail ?? "", style: "dim" }), shrinks: true },
  ];
  const error =
    run.error === null ? "" : `\n  ${out.paint("red", run.error.code)} ${printable(run.error.message)}\n`;
  return [
    `${out.paint("bold", run.id)} ${out.paint(STYLE_OF_STATE[run.state], run.state)}\n`,
    renderFields(
      [
        ["model", run.version === null ? run.model : `${run.model} v${run.version}`],
        ["snapshot", run.snapshot === null ? null : formatDigest(run.snapshot)],
        ["started", `${formatTime(run.startedAt)} by ${run.actor}`],
        ["finished", formatTime(run.finishedAt)],
      ],
      out,
    ),
    "\n",
    renderTable(columns, run.steps, out),
    ...run.steps.flatMap(({ name, notes = [] }) => notes.map((note) => `\n  ${name} ${printable(note)}`)),
    run.steps.some(({ notes }) => notes !== undefined) ? "\n" : "",
    error,
  ].join("");
}
