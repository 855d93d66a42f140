import { commandName } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { type Answer, argument, countOption, defineCommand, defineGroup } from "./command.ts";
import {
  importanceInLine,
  metricsInLine,
  renderClasses,
  renderGates,
  renderMetrics,
  renderSlices,
  rowsText,
} from "./evaluation-text.ts";
import { formatAge, formatDigest, formatTime } from "./format-values.ts";
import { modelExportCommand } from "./model-export.ts";
import { modelImportCommand } from "./model-import.ts";
import { modelOrOnly, parseModelReference } from "./model-reference.ts";
import type { Session } from "./session.ts";
import { type Column, renderFields, renderTable } from "./table.ts";
import type { Output } from "./terminal.ts";

type Model = OperationOutput<"models.list">["models"][number];
type Version = OperationOutput<"models.versions">["versions"][number];
type Detail = OperationOutput<"models.show">;

export const modelsCommand = defineCommand({
  name: "models",
  summary: "List the models, or the versions of one.",
  parameters: {
    model: argument("[model]", "List the versions of this model."),
    limit: countOption("--limit <number>", "At most so many versions. Default: 50."),
  },
  examples: ["slipway models", "slipway models churn"],
  reach: "server",
  run: async ({ model, limit }, session) =>
    model === undefined ? await listModels(session) : await listVersions(session, { model, limit }),
});

const showCommand = defineCommand({
  name: "show",
  summary: "Describe a version: where it comes from, how good it is, what it takes.",
  parameters: {
    model: argument(
      "[model]",
      "churn, churn@3 or churn@champion; without a version the champion, or the newest.",
    ),
  },
  examples: ["slipway model show churn", "slipway model show churn@3 --json"],
  reach: "server",
  run: async ({ model: given }, session) => {
    const reference = parseModelReference(await modelOrOnly(given, session));
    const shown = await session.call("models.show", reference);
    return { data: shown, text: (out) => describe(shown, out) };
  },
});

export const modelCommand = defineGroup({
  name: "model",
  summary: "One version of a model: show, import, export.",
  examples: [
    "slipway model show churn@3",
    "slipway model export churn@3 --out churn-3.slipway",
    "slipway model import churn-3.slipway",
    "slipway model import model.txt --name churn",
  ],
  subcommands: [showCommand, modelImportCommand, modelExportCommand],
});

async function listModels(session: Session): Promise<Answer> {
  const listed = await session.call("models.list", {});
  const columns: readonly Column<Model>[] = [
    { title: "model", cell: (row) => row.name },
    { title: "task", cell: (row) => row.task },
    { title: "dataset", cell: (row) => row.dataset },
    { title: "versions", align: "right", cell: (row) => row.versions },
    { title: "latest", align: "right", cell: (row) => (row.latest === null ? null : `v${row.latest}`) },
    {
      title: "champion",
      align: "right",
      cell: (row) => (row.champion === null ? null : { text: `v${row.champion}`, style: "green" }),
    },
    { title: "", cell: standingOf },
  ];
  return {
    data: listed,
    text: (out) => (listed.models.length === 0 ? "no models\n" : renderTable(columns, listed.models, out)),
  };
}

function standingOf({ declared, imported }: Model): ReturnType<Column<Model>["cell"]> {
  if (declared) return "";
  return imported ? "imported" : { text: "not in the configuration", style: "yellow" };
}

async function listVersions(
  session: Session,
  input: { readonly model: string; readonly limit: number | undefined },
): Promise<Answer> {
  const listed = await session.call("models.versions", input);
  const columns: readonly Column<Version>[] = [
    { title: "version", cell: (row) => `${row.model}@${row.version}` },
    {
      title: "status",
      cell: (row) => ({ text: row.status, style: row.status === "accepted" ? "green" : "red" }),
    },
    { title: "aliases", cell: (row) => row.aliases.join(", ") },
    { title: "metrics", cell: (row) => metricsInLine(row.metrics), shrinks: true },
    { title: "registered", cell: (row) => formatAge(row.registeredAt, systemClock()) },
    { title: "bundle", cell: (row) => formatDigest(row.bundle) },
  ];
  return {
    data: listed,
    text: (out) =>
      listed.versions.length === 0
        ? `${input.model} has no versions yet: ${commandName()} train ${input.model}\n`
        : renderTable(columns, listed.versions, out),
  };
}

function describe(shown: Detail, out: Output): string {
  const { paint } = out;
  const status = paint(shown.status === "accepted" ? "green" : "red", shown.status);
  const aliases = shown.aliases.length === 0 ? "" : ` (${shown.aliases.join(", ")})`;
  const slices = renderSlices(shown.evaluation, out);
  return [
    `${paint("bold", `${shown.model} v${shown.version}`)} ${status}${aliases}\n`,
    renderFields(
      [
        [
          "registered",
          `${formatTime(shown.registeredAt)} by ${shown.actor}${shown.reason === null ? "" : `: ${shown.reason}`}`,
        ],
        ...provenanceFields(shown),
        ...originFields(shown),
        ["feature plan", `${formatDigest(shown.lineage.plan)}, ${shown.features} columns`],
        ["bundle", shown.bundle],
        ["code", shown.lineage.code],
        ["classes", shown.classes?.join(", ") ?? ""],
        ["rows", wasEvaluated(shown) ? rowsText(shown.evaluation) : ""],
        ["learned from", importanceInLine(shown.importance)],
        ["takes", shown.inputs.map(inputText).join(", ")],
        ["reproduced", reproducedText(shown)],
      ],
      out,
    ),
    "\n",
    wasEvaluated(shown) ? renderMetrics(shown.evaluation, out) : "",
    shown.evaluation.classes === undefined ? "" : `\n${renderClasses(shown.evaluation, out)}`,
    slices === "" ? "" : `\n${slices}`,
    shown.gates.length === 0 ? "" : `\n${renderGates(shown.gates, out)}`,
  ].join("");
}

/** Not what was imported with nothing but its own inputs. */
function wasEvaluated({ lineage }: Detail): boolean {
  return lineage.snapshot !== "";
}

/** Where a version comes from: a run over a snapshot, a file, or both. */
function originFields(shown: Detail): [string, string][] {
  const { origin, dataset, snapshot, run } = shown.lineage;
  const fields: [string, string][] = [];
  if (wasEvaluated(shown)) fields.push(["snapshot", `${dataset}@${formatDigest(snapshot)}`], ["run", run]);
  if (origin !== undefined)
    fields.push(
      ["imported from", `${origin.file}, ${origin.producer}, ${origin.objective}`],
      ["file", origin.digest],
    );
  return fields;
}

/** The installations that it was registered in before, the last one first. */
function provenanceFields({ lineage }: Detail): [string, string][] {
  return (lineage.provenance ?? [])
    .toReversed()
    .map(({ installation, model, version, ...there }, index) => [
      index === 0 ? "comes from" : "before that",
      `${model}@${version} of installation ${formatDigest(installation)}, registered there ${formatTime(there.registeredAt)} by ${there.actor}${there.run === null ? "" : ` (${there.run})`}`,
    ]);
}

function reproducedText({ reproductions }: Detail): string {
  const [last] = reproductions.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  return last === undefined ? "" : `${last.verdict}, ${formatTime(last.at)} by ${last.actor}`;
}

/** `age: int`, `image: float[1, 28, 28]` */
function inputText({
  name,
  type,
  required,
  shape,
}: OperationOutput<"models.show">["inputs"][number]): string {
  const extents = shape?.map((extent) => (extent === -1 ? "n" : extent)).join(", ");
  return `${name}${required ? "" : "?"}: ${type}${extents === undefined ? "" : `[${extents}]`}`;
}
