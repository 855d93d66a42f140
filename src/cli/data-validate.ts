import { commandName } from "../config/index.ts";
import type { OperationInput, OperationOutput } from "../wire/index.ts";
import { argument, defineCommand, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { formatDigest, formatQuantity } from "./format-values.ts";
import { parseSnapshotReference } from "./snapshot-reference.ts";
import { type Column, renderTable } from "./table.ts";
import { type Output, printable } from "./terminal.ts";
import { validationCell } from "./validation-text.ts";

type Report = OperationOutput<"data.validate">;
type Anomaly = Report["anomalies"][number];

export const validateCommand = defineCommand({
  name: "validate",
  summary: "Judge a snapshot by the checks of its dataset.",
  details: [
    "Takes no new snapshot: `data add` does, and validates it too. Ends with 1 when an anomaly is an error. The report is kept with the snapshot.",
    "--accept writes proposed changes of the limits into slipway.config.ts: `all`, or the numbers of anomalies. The file is replaced only when its edited text has been loaded and means the same but for these limits; otherwise the command prints what to write.",
    "--training judges a dataset of rows that are predicted for: by the checks of the dataset that was trained on, and its `skew` limits against the newest snapshot of it, or the one named.",
  ].join("\n\n"),
  parameters: {
    dataset: argument("<dataset>", "The dataset, or one snapshot of it: flights@3f9a12, flights@gold."),
    asOf: option("--as-of <time>", "The snapshot that was the newest then: 2026-11-01, 7d."),
    training: option("--training <dataset>", "The dataset, or a snapshot of it, that was trained on."),
    accept: option("--accept <which>", "Change the limits so that these are no anomalies: all, or 1,3."),
  },
  examples: [
    "slipway data validate flights",
    "slipway data validate flights@3f9a12 --json",
    "slipway data validate flights --accept 1,3",
    "slipway data validate requests --training flights",
  ],
  reach: "server",
  run: async ({ dataset, asOf, training, accept }, session) => {
    const report = await session.call(
      "data.validate",
      {
        ...parseSnapshotReference(dataset, asOf),
        ...(training === undefined ? {} : { training: parseSnapshotReference(training) }),
        ...(accept === undefined ? {} : { accept: parseAccept(accept) }),
      },
      "validating",
    );
    return {
      data: report,
      text: (out) => describe(report, out),
      exitCode: stillBroken(report) ? exitCodes.failed : exitCodes.done,
    };
  },
});

/** @throws CLI_USAGE */
function parseAccept(text: string): NonNullable<OperationInput<"data.validate">["accept"]> {
  if (text === "all") return text;
  const numbers = text.split(",").map((part) => part.trim());
  if (numbers.every((part) => /^[1-9]\d{0,3}$/.test(part))) return numbers.map(Number);
  throw cliErrors.CLI_USAGE.error(`--accept: "${text}" is neither all nor numbers of anomalies`, {
    hint: "write --accept all, or --accept 1,3",
  });
}

/** Errors that were not just accepted. */
function stillBroken({ errors, accepted }: Report): boolean {
  return errors > 0 && accepted?.applied !== true;
}

function describe(report: Report, out: Output): string {
  const { paint } = out;
  const { dataset, snapshot, comparedWith, anomalies, unjudged, rowCount } = report;
  const against =
    comparedWith === null
      ? ""
      : `, against ${comparedWith.role === "previous" ? "" : `${comparedWith.dataset} `}${formatDigest(comparedWith.snapshot)}`;
  const verdict = validationCell({ ...report, unjudged: unjudged.length });
  const numbered = anomalies.map((anomaly, at) => ({ ...anomaly, number: at + 1 }));
  return [
    `${paint("bold", dataset)} ${formatDigest(snapshot)}  ${formatQuantity(rowCount, "rows")}${against}\n`,
    `  ${paint(verdict.style, verdict.text)}\n`,
    anomalies.length === 0 ? "" : `\n${renderTable(columns, numbered, out)}`,
    ...numbered.flatMap((anomaly) => detailLines(anomaly, out)),
    unjudged.length === 0 ? "" : "\nnot judged\n",
    ...unjudged.map(
      ({ check, column, reason }) =>
        `  ${check}${column === null ? "" : ` of ${printable(column)}`}: ${reason}\n`,
    ),
    acceptedText(report, out),
  ].join("");
}

const columns: readonly Column<Anomaly & { readonly number: number }>[] = [
  { title: "#", align: "right", cell: ({ number }) => number },
  {
    title: "severity",
    cell: ({ severity }) => ({ text: severity, style: severity === "error" ? "red" : "yellow" }),
  },
  { title: "anomaly", cell: ({ kind }) => kind },
  { title: "column", cell: ({ column }) => column },
  { title: "observed", cell: ({ observed }) => observed, shrinks: true },
  { title: "expected", cell: ({ expected }) => expected, shrinks: true },
];

function detailLines(anomaly: Anomaly & { readonly number: number }, { paint }: Output): string[] {
  const { number, firstRows, proposal } = anomaly;
  const places = firstRows.map(({ row, value, file, line }) => {
    const place = file === undefined ? `row ${row}` : `${file}:${line ?? row}`;
    return printable(value === null ? place : `${place} ${JSON.stringify(value)}`);
  });
  const lines = [
    ...(places.length === 0 ? [] : [`first: ${places.join(", ")}`]),
    ...(proposal === null
      ? []
      : [
          `to accept: ${printable(proposal.path.join("."))}: ${printable(shortened(JSON.stringify(proposal.value)))}`,
        ]),
  ];
  if (lines.length === 0) return [];
  return [`\n  ${number}. ${lines.join("\n     ")}\n`].map((text) => paint("dim", text));
}

const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 199)}…` : text);

function acceptedText({ accepted, anomalies, dataset }: Report, { paint }: Output): string {
  if (accepted === null) {
    return anomalies.some(({ proposal }) => proposal !== null)
      ? `\nCorrect the data, or accept proposed limits: ${commandName()} data validate ${dataset} --accept all\n`
      : "";
  }
  const { applied, file, text, reason, changes } = accepted;
  if (applied)
    return `\n${paint("green", `changed ${formatQuantity(changes, "options")} in ${file}`)}\n\n${text}`;
  return `\n${paint("yellow", `${file} is as it was: ${reason ?? "it could not be changed"}`)}. Put these options in:\n\n${text}`;
}
