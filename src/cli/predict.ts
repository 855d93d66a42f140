import { addAbortSignal } from "node:stream";
import { text as readText } from "node:stream/consumers";
import type { PredictAnswer } from "../client/index.ts";
import { argument, defineCommand, flag, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { modelOrOnly, parseModelReference } from "./model-reference.ts";
import { predictFile } from "./predict-file.ts";
import { predictionAddress } from "./prediction-address.ts";
import { parseRecords } from "./record-input.ts";
import type { Session } from "./session.ts";
import type { Output } from "./terminal.ts";

export const predictCommand = defineCommand({
  name: "predict",
  summary: "Predict records by the running server, or a whole file.",
  details: [
    "Records come from --json-record or from standard input: an object, a list of objects, or one object per line.",
    "With --file and --out, every row of a CSV, TSV, NDJSON or Parquet file is predicted, whether a server runs or not: the same values bit for bit. The columns that the model reads are written in canonical form, the others as they stand. Memory does not grow with the file. The predictions of a file are not logged.",
  ].join("\n\n"),
  parameters: {
    model: argument("[model]", "churn, or churn@3 for another version than the champion."),
    record: option("--json-record <json>", "The record, or a list of records."),
    url: option(
      "--url <address>",
      "Address of the prediction port, where it is not the one the server names.",
    ),
    file: option("--file <path>", "Predict the rows of this .csv, .tsv, .ndjson or .parquet file."),
    out: option("--out <path>", "Where they go, in any of these formats; it appears whole or not at all."),
    columns: option("--columns <names>", "Columns of the file to write too: id,name. Default: all."),
    onlyPredictions: flag("--only-predictions", "Write no columns of the file."),
    as: option(
      "--as <name>",
      "Name of the column of predictions; <name>_by says which version made them. Default: prediction.",
    ),
  },
  examples: [
    `slipway predict churn --json-record '{"tenure": 3, "contract": "monthly"}'`,
    "slipway predict churn < records.ndjson",
    "slipway predict churn --file customers.parquet --out predicted.csv --columns id",
  ],
  reach: "server",
  run: async ({ model: given, record, url, ...batch }, session) => {
    if (Object.values(batch).some((value) => value !== undefined)) {
      if (record !== undefined || url !== undefined) {
        throw cliErrors.CLI_USAGE.error(
          "predict either records or a file: --file goes with neither --json-record nor --url",
        );
      }
      return await predictFile({ model: given, ...batch }, session);
    }
    const instances = parseRecords(record ?? (await recordsFromInput(session)));
    const { model, version } = parseModelReference(await modelOrOnly(given, session));
    if (typeof version === "string") {
      throw cliErrors.CLI_USAGE.error(`"${version}" is not a version's number`, {
        hint: `write ${model} for the champion, or ${model}@3`,
      });
    }
    const { predict } = await import("../client/index.ts");
    const answer = await predict({
      address: await predictionAddress(url, session),
      model,
      instances,
      signal: session.signal,
      ...(version === undefined ? {} : { version }),
    });
    return { data: { model, ...answer }, text: (out) => describe(answer, out) };
  },
});

async function recordsFromInput({ terminal, signal }: Session): Promise<string> {
  terminal.err.write(
    process.stdin.isTTY
      ? "reading records from the keyboard; end with Ctrl-D\n"
      : "reading records from standard input\n",
  );
  return await readText(addAbortSignal(signal, process.stdin));
}

function describe({ predictions, predictionId }: PredictAnswer, { paint }: Output): string {
  const lines = predictions.map(
    (prediction) => `${typeof prediction === "number" ? prediction : JSON.stringify(prediction)}\n`,
  );
  const replay = predictionId === null ? "" : `${paint("dim", `slipway replay ${predictionId}`)}\n`;
  return lines.join("") + replay;
}
