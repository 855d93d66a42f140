import { commandName } from "../config/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { argument, defineCommand, option, setting } from "./command.ts";
import { importanceInLine, renderClasses, renderGates, renderMetrics, rowsText } from "./evaluation-text.ts";
import { exitCodes } from "./exit-codes.ts";
import { formatDigest, formatDuration } from "./format-values.ts";
import { modelOrOnly } from "./model-reference.ts";
import { renderFields } from "./table.ts";
import { type Output, printable } from "./terminal.ts";
import { validationCell } from "./validation-text.ts";

export const trainCommand = defineCommand({
  name: "train",
  summary: "Train a model, evaluate it, check its gates and register the version.",
  details:
    "Takes a snapshot of the data first. The same data and configuration always give the same model, digest for digest. Ends with 1 when a gate rejects the version.",
  parameters: {
    model: argument("[model]", "The model; not needed when the project has one."),
    threads: setting("trainingThreads"),
    reason: option("--reason <text>", "Why, for the journal."),
  },
  examples: ["slipway train", 'slipway train churn --threads 4 --reason "new tariff"'],
  reach: "server",
  run: async ({ model: given, reason }, session) => {
    const model = await modelOrOnly(given, session);
    const trained = await session.call(
      "train",
      { model, threads: session.settings.trainingThreads, reason },
      `training ${model}`,
    );
    return {
      data: trained,
      text: (out) => describeTrained(trained, out),
      exitCode: trained.status === "accepted" ? exitCodes.done : exitCodes.failed,
    };
  },
});

/** What came out of a run. */
export function describeTrained(trained: OperationOutput<"train">, out: Output): string {
  const { paint } = out;
  const name = paint("bold", `${trained.model} v${trained.version}`);
  const verdict =
    trained.status === "accepted" ? paint("green", "accepted") : paint("red", "rejected by its gates");
  const notes = [
    trained.champion ? "champion" : "",
    trained.alreadyRegistered ? "nothing new: same bundle as before" : "",
  ]
    .filter((note) => note !== "")
    .join(", ");
  return [
    `\n${name} ${verdict}${notes === "" ? "" : ` (${notes})`}\n`,
    renderFields(
      [
        ["rows", rowsText(trained.evaluation)],
        ...(trained.validation === null ? [] : [["data", validationCell(trained.validation)] as const]),
        ["model", printable(trained.summary)],
        ["learned from", importanceInLine(trained.importance)],
        ["bundle", formatDigest(trained.bundle)],
        ["run", trained.run],
        ["took", formatDuration(trained.durationMs)],
      ],
      out,
    ),
    "\n",
    renderMetrics(trained.evaluation, out),
    trained.evaluation.classes === undefined ? "" : `\n${renderClasses(trained.evaluation, out)}`,
    trained.gates.length === 0 ? "" : `\n${renderGates(trained.gates, out)}`,
    `\n${next(trained)}\n`,
  ].join("");
}

function next({ model, version, status, champion }: OperationOutput<"train">): string {
  if (status === "rejected")
    return `It serves nobody. Details: ${commandName()} model show ${model}@${version}`;
  if (champion) return `Next: ${commandName()} up`;
  return `Next: ${commandName()} deploy ${model}@${version}`;
}
