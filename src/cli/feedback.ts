import type { Label } from "../app/index.ts";
import type { FeedbackAnswer, FeedbackEntry } from "../client/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { type Answer, argument, countOption, defineCommand, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { formatCount, formatQuantity, formatTime } from "./format-values.ts";
import { parseInstant } from "./instant.ts";
import { predictionAddress } from "./prediction-address.ts";
import { openProgress } from "./progress.ts";
import type { Session } from "./session.ts";
import { type Column, renderTable } from "./table.ts";
import type { Output } from "./terminal.ts";

type Record = OperationOutput<"feedback.list">["feedback"][number];

const ENTRIES_PER_REQUEST = 1_000;
const MOST_EXAMPLES = 10;

const listCommand = defineCommand({
  name: "list",
  summary: "List feedback, newest first.",
  parameters: {
    since: option("--since <time>", "What was received since then: 2026-01-31, or 24h, 7d ago."),
    name: option("--name <name>", "Only feedback of this name."),
    limit: countOption("--limit <number>", "At most so many. Default: 50."),
  },
  examples: ["slipway feedback list", "slipway feedback list --since 24h --name target"],
  reach: "server",
  run: async ({ since, name, limit }, session) => {
    const listed = await session.call("feedback.list", {
      name,
      limit,
      since: since === undefined ? undefined : parseInstant("--since", since),
    });
    return { data: listed, text: (out) => describeList(listed.feedback, out) };
  },
});

const showCommand = defineCommand({
  name: "show",
  summary: "Show what was said about one prediction.",
  parameters: { id: argument("<id>", "The prediction's id.") },
  examples: ["slipway feedback show 01m80ew69eq9b6n900000004"],
  reach: "server",
  run: async ({ id }, session) => {
    const shown = await session.call("feedback.show", { id });
    return { data: shown, text: (out) => describeShown(shown, out) };
  },
});

export const feedbackCommand = defineCommand({
  name: "feedback",
  summary: "Say how predictions turned out.",
  details: [
    "Feedback goes to the running server, by the id in the answer's x-slipway-prediction-id header. Giving the same value again changes nothing; another value corrects the first one, and both are kept.",
    "--value takes a number, true, false, null or a text. A --file is CSV, TSV, NDJSON or Parquet with the columns predictionId and value, and name and at where it has them; rows without a value are left out. Ends with 1 when an item is refused.",
  ].join("\n\n"),
  parameters: {
    id: argument("[id]", "The prediction; <id>.<index> for one instance of several."),
    value: option("--value <value>", "What turned out to be true."),
    name: option("--name <name>", "What it is about. Default: target, what the model predicts."),
    at: option(
      "--at <time>",
      "When it became known: 2026-01-31T12:00:00Z, or how long ago: 2h. Default: now.",
    ),
    file: option("--file <path>", "Feedback for many predictions."),
    url: option(
      "--url <address>",
      "Address of the prediction port, where it is not the one the server names.",
    ),
  },
  examples: [
    "slipway feedback 01m80ew69eq9b6n900000004 --value 11.7",
    "slipway feedback --file labels.csv",
    "slipway feedback show 01m80ew69eq9b6n900000004",
  ],
  reach: "server",
  subcommands: [listCommand, showCommand],
  run: async ({ id, value, name, at, file, url }, session) => {
    if (file !== undefined) {
      if ([id, value, name, at].some((given) => given !== undefined))
        throw cliErrors.CLI_USAGE.error("--file goes with neither an id nor --value, --name or --at");
      return await giveFile(file, { url, session });
    }
    if (id === undefined || value === undefined) {
      throw cliErrors.CLI_USAGE.error("name a prediction and its --value, or a --file", {
        hint: "slipway feedback 01m80ew69eq9b6n900000004 --value 11.7",
      });
    }
    const entry: FeedbackEntry = {
      predictionId: id,
      value: parseValue(value),
      ...(name === undefined ? {} : { name }),
      ...(at === undefined ? {} : { at: parseInstant("--at", at) }),
    };
    return await giveOne(entry, { url, session });
  },
});

/** A number, true, false, null or a JSON text in quotes; anything else is a text as it stands. */
function parseValue(text: string): unknown {
  if (!/^(-?\d|"|true$|false$|null$)/.test(text)) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? text : value;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return text;
    throw thrown;
  }
}

interface Way {
  readonly url: string | undefined;
  readonly session: Session;
}

async function giveOne(entry: FeedbackEntry, { url, session }: Way): Promise<Answer> {
  const { sendFeedback } = await import("../client/index.ts");
  const address = await predictionAddress(url, session);
  const { results } = await sendFeedback({ address, feedback: [entry], signal: session.signal });
  const [result] = results;
  const refused = result?.outcome === "refused";
  return {
    data: result,
    text: ({ paint }) =>
      refused
        ? `${paint("red", "refused")}: ${result.error ?? ""}\n`
        : `${paint("green", result?.outcome ?? "")}${result?.unmatched ? ", but no such prediction is in reach of the server" : ""}\n`,
    exitCode: refused ? exitCodes.badInput : exitCodes.done,
  };
}

interface Refusal {
  readonly row: number;
  readonly file?: string;
  readonly line?: number;
  readonly error: string;
  readonly code: string;
}

interface Given {
  readonly items: number;
  /** Rows of the file without a value. */
  readonly skipped: number;
  readonly accepted: number;
  readonly corrected: number;
  readonly duplicate: number;
  readonly refused: number;
  readonly unmatched: number;
  /** The first of those refused. */
  readonly examples: readonly Refusal[];
}

async function giveFile(file: string, { url, session }: Way): Promise<Answer> {
  const { readLabels } = await import("../app/index.ts");
  const address = await predictionAddress(url, session);
  const progress = openProgress({ err: session.terminal.err, label: "reading" });
  try {
    const onRows = (done: number, of?: number): void =>
      progress.onProgress({
        kind: "progress",
        step: "reading",
        done,
        ...(of === undefined ? {} : { of }),
        unit: "rows",
      });
    const { signal } = session;
    const { labels, skipped, placeOf } = await readLabels({ file, root: process.cwd(), signal, onRows });
    const counts = { accepted: 0, corrected: 0, duplicate: 0, refused: 0, unmatched: 0 };
    const examples: Refusal[] = [];
    for (let start = 0; start < labels.length; start += ENTRIES_PER_REQUEST) {
      const part = labels.slice(start, start + ENTRIES_PER_REQUEST);
      const answer = await send(part, { address, signal });
      for (const [index, result] of answer.results.entries()) {
        counts[result.outcome]++;
        if (result.unmatched) counts.unmatched++;
        if (result.outcome !== "refused" || examples.length === MOST_EXAMPLES) continue;
        const place = await placeOf(part[index]!.row);
        examples.push({ ...place, error: result.error ?? "", code: result.code ?? "" });
      }
      const done = start + part.length;
      progress.onProgress({ kind: "progress", step: "sending", done, of: labels.length, unit: "items" });
    }
    const given: Given = { items: labels.length, skipped, ...counts, examples };
    return {
      data: given,
      text: (out) => describeGiven(given, out),
      exitCode: counts.refused === 0 ? exitCodes.done : exitCodes.failed,
    };
  } finally {
    progress.close();
  }
}

async function send(
  labels: readonly Label[],
  { address, signal }: { readonly address: string; readonly signal: AbortSignal },
): Promise<FeedbackAnswer> {
  const { sendFeedback } = await import("../client/index.ts");
  return await sendFeedback({ address, signal, feedback: labels.map(({ row: _, ...entry }) => entry) });
}

function describeGiven(given: Given, { paint }: Output): string {
  const { items, skipped, accepted, corrected, duplicate, refused, unmatched, examples } = given;
  const parts = [
    paint("green", `${formatCount(accepted)} accepted`),
    corrected === 0 ? "" : `${formatCount(corrected)} corrected`,
    duplicate === 0 ? "" : `${formatCount(duplicate)} known already`,
    refused === 0 ? "" : paint("red", `${formatCount(refused)} refused`),
  ].filter((part) => part !== "");
  return [
    `${formatQuantity(items, "items")}: ${parts.join(", ")}\n`,
    skipped === 0 ? "" : paint("dim", `${formatQuantity(skipped, "rows")} without a value left out\n`),
    unmatched === 0
      ? ""
      : paint(
          "yellow",
          `${formatQuantity(unmatched, "items")} of predictions that are not in reach of the server\n`,
        ),
    ...examples.map(({ row, file, line, error }) => {
      const place = line === undefined ? `row ${row}` : `${file}:${line}`;
      return `  ${paint("red", place)} ${error}\n`;
    }),
  ].join("");
}

const columns: readonly Column<Record>[] = [
  { title: "prediction", cell: (row) => row.predictionId },
  { title: "name", cell: (row) => row.name },
  { title: "value", align: "right", cell: (row) => JSON.stringify(row.value), shrinks: true },
  { title: "known", cell: (row) => formatTime(row.at) },
  { title: "received", cell: (row) => formatTime(row.receivedAt) },
];

function describeList(feedback: readonly Record[], out: Output): string {
  return feedback.length === 0 ? "there is no such feedback\n" : renderTable(columns, feedback, out);
}

function describeShown({ prediction, feedback }: OperationOutput<"feedback.show">, out: Output): string {
  const head =
    prediction === null
      ? out.paint("yellow", "no such prediction is in the log\n")
      : `answered ${formatTime(prediction.at)} by ${prediction.model} v${prediction.version}\n`;
  return `${head}${describeList(feedback, out)}`;
}
