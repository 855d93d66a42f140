import { resolve } from "node:path";
import type { OperationOutput } from "../wire/index.ts";
import type { Answer } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatBytes, formatCount, formatDuration } from "./format-values.ts";
import { modelOrOnly, parseModelReference } from "./model-reference.ts";
import type { Session } from "./session.ts";

export interface FilePredictionOptions {
  readonly model: string | undefined;
  readonly file: string | undefined;
  readonly out: string | undefined;
  readonly columns: string | undefined;
  readonly onlyPredictions: boolean | undefined;
  readonly as: string | undefined;
}

/** `slipway predict --file … --out …`. @throws CLI_USAGE */
export async function predictFile(given: FilePredictionOptions, session: Session): Promise<Answer> {
  const { file, out, as } = given;
  if (file === undefined || out === undefined) {
    throw cliErrors.CLI_USAGE.error("predictions for a file want both --file and --out", {
      hint: "slipway predict churn --file customers.csv --out predicted.parquet",
    });
  }
  if (given.columns !== undefined && given.onlyPredictions) {
    throw cliErrors.CLI_USAGE.error("--columns and --only-predictions contradict each other");
  }
  const columns = given.onlyPredictions ? [] : given.columns?.split(",").map((name) => name.trim());
  const reference = parseModelReference(await modelOrOnly(given.model, session));
  const predicted = await session.call(
    "predict.file",
    { ...reference, file: resolve(file), out: resolve(out), columns, as },
    "predicting",
  );
  return { data: predicted, text: ({ paint }) => describe(predicted, paint) };
}

function describe(
  predicted: OperationOutput<"predict.file">,
  paint: (style: "bold" | "dim", text: string) => string,
): string {
  const { model, version, rows, out, rowsPerSecond, durationMs, peakBytes, history } = predicted;
  return (
    `${paint("bold", `${model} v${version}`)}  ${formatCount(rows)} rows to ${out}\n` +
    `${paint("dim", `${formatDuration(durationMs)}, ${formatCount(rowsPerSecond)} rows/s, at most ${formatBytes(peakBytes)} of memory`)}\n` +
    (history === undefined ? "" : `${paint("dim", HISTORY[history])}\n`)
  );
}

const HISTORY: Readonly<Record<"training" | "file", string>> = {
  training: "the past of the first row is that of the training data",
  file: "the file is not newer than the training data, so its first row has no past",
};
