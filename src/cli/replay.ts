import type { OperationOutput } from "../wire/index.ts";
import { argument, countOption, defineCommand, flag, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { formatCount, formatDuration, formatTime } from "./format-values.ts";
import { parseInstant } from "./instant.ts";
import { type Column, renderTable } from "./table.ts";
import type { Output } from "./terminal.ts";

type Replayed = OperationOutput<"replay">["examples"][number];

/** So many are replayed unless `--all` or `--limit` says otherwise. */
const DEFAULT_LIMIT = 10_000;

export const replayCommand = defineCommand({
  name: "replay",
  summary: "Recompute logged predictions and compare them bit for bit.",
  details:
    "Ends with 1 when one of them differs or cannot be recomputed. Answers of onnxruntime may differ by 64 float32 units in the last place of the largest number of the answer; those that do are counted by themselves.",
  parameters: {
    id: argument("[id]", "One prediction, by the id in its answer's x-slipway-prediction-id header."),
    since: option(
      "--since <time>",
      "Those answered since then: 2026-01-31, 2026-01-31T12:00:00Z, or 24h, 7d ago.",
    ),
    until: option("--until <time>", "Those answered before then."),
    model: option("--model <model>", "Only those of this model."),
    limit: countOption("--limit <number>", `At most so many. Default: ${formatCount(DEFAULT_LIMIT)}.`),
    all: flag("--all", "However many there are."),
    recomputeWindows: flag(
      "--recompute-windows",
      "Compute what windows said anew from the stream, too, instead of taking it from the log.",
    ),
  },
  examples: [
    "slipway replay 01m80ew69eq9b6n900000004",
    "slipway replay --since 24h --all",
    "slipway replay --model churn --limit 100",
  ],
  reach: "server",
  run: async ({ id, since, until, model, limit, all, recomputeWindows }, session) => {
    const range = [since, until, model, limit, all].some((value) => value !== undefined);
    if ((id !== undefined) === range) {
      throw cliErrors.CLI_USAGE.error(
        "name one prediction by its id, or a range with --since, --model, --limit or --all",
      );
    }
    const replayed = await session.call(
      "replay",
      id !== undefined
        ? { id, recomputeWindows }
        : {
            recomputeWindows,
            model,
            since: since === undefined ? undefined : parseInstant("--since", since),
            until: until === undefined ? undefined : parseInstant("--until", until),
            limit: all ? undefined : (limit ?? DEFAULT_LIMIT),
          },
      "replaying",
    );
    const same = replayed.different === 0 && replayed.unavailable === 0;
    return {
      data: replayed,
      text: (out) => describe(replayed, out),
      exitCode: same ? exitCodes.done : exitCodes.failed,
    };
  },
});

const LONGEST_LIST = 12;

/** A number as it is; several as a list. */
function outputText(output: Replayed["logged"]): string | number | null {
  if (typeof output !== "object" || output === null) return output;
  const shown = output.slice(0, LONGEST_LIST).join(", ");
  return output.length > LONGEST_LIST ? `${shown}, … ${formatCount(output.length)} in all` : shown;
}

const VERDICT_STYLES = {
  identical: "green",
  "within-bound": "green",
  different: "red",
  unavailable: "red",
} as const;

function describe(replayed: OperationOutput<"replay">, out: Output): string {
  const { paint } = out;
  const { predictions, identical, withinBound, different, unavailable, sampledOut, examples, windows } =
    replayed;
  if (predictions === 0) return "the log holds no such predictions\n";
  const head = `${formatCount(identical)}/${formatCount(predictions)} identical`;
  const close = withinBound === 0 ? [] : [`${formatCount(withinBound)} within the bound of onnxruntime`];
  const rest = [
    different === 0 ? "" : paint("red", `${formatCount(different)} different`),
    unavailable === 0 ? "" : paint("yellow", `${formatCount(unavailable)} cannot be recomputed`),
    sampledOut === 0 ? "" : `${formatCount(sampledOut)} were sampled out`,
    windows.recomputed === 0 ? "" : `${formatCount(windows.recomputed)} with their windows computed anew`,
    windows.unavailable === 0
      ? ""
      : paint(
          "yellow",
          `the stream does not reach back to the windows of ${formatCount(windows.unavailable)}`,
        ),
  ].filter((part) => part !== "");
  const columns: readonly Column<Replayed>[] = [
    { title: "prediction", cell: (row) => row.id },
    { title: "answered", cell: (row) => formatTime(row.at) },
    { title: "by", cell: (row) => `${row.model} v${row.version}` },
    { title: "logged", align: "right", cell: (row) => outputText(row.logged) },
    { title: "recomputed", align: "right", cell: (row) => outputText(row.recomputed) },
    {
      title: "verdict",
      cell: (row) => ({ text: row.verdict, style: VERDICT_STYLES[row.verdict] }),
    },
    { title: "reason", cell: (row) => row.reason, shrinks: true },
  ];
  return [
    `${[paint(different + unavailable === 0 ? "green" : "bold", head), ...close, ...rest].join(", ")}  ${paint("dim", formatDuration(replayed.durationMs))}\n`,
    examples.length === 0 ? "" : `\n${renderTable(columns, examples, out)}`,
  ].join("");
}
