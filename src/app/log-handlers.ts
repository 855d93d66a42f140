import { extname, join } from "node:path";
import { compactionErrors, logSizes, type QueryOutput } from "../compaction/index.ts";
import { entropy } from "../kernel/index.ts";
import { COMPACTED, type CompactedFile, readCompactions } from "../serving/index.ts";
import { publishFile } from "../storage/index.ts";
import type { ControlHandlers, OperationOutput } from "../wire/index.ts";
import { withDraft } from "./batch-handlers.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { readLogPolicies } from "./log-policies.ts";
import { runJob } from "./runner.ts";

type LogHandlers = Pick<ControlHandlers, "log.status" | "log.query">;

const FORMATS: Readonly<Record<string, QueryOutput["format"]>> = {
  ".parquet": "parquet",
  ".csv": "csv",
  ".ndjson": "json",
};

/** What the prediction log holds. */
export function logHandlers(context: ControlContext): LogHandlers {
  const { state, clock, logUse, location } = context;
  return {
    "log.status": async () => {
      const records = await readCompactions(state.log);
      const { rawBytes, rawSegments, compactedBytes } = await logSizes(state.log);
      const files = records.flatMap((record) => record.files);
      return {
        segments: { count: rawSegments, bytes: rawBytes },
        compacted: {
          files: files.length,
          bytes: compactedBytes,
          predictions: files.reduce((sum, { predictions }) => sum + predictions, 0),
        },
        maxBytes: location.settings.logMaxBytes,
        models: loggedModels(files, state.logPolicies),
      };
    },
    "log.query": async ({ sql, limit, out }, call) => {
      const startedAt = clock();
      const format = out === undefined ? undefined : formatOf(out);
      const ask = (path?: string) =>
        runJob(
          {
            kind: "query-log",
            query: {
              directory: state.log,
              sql,
              limit,
              scratch: join(state.log, COMPACTED, `scratch-${entropy(4).toString("hex")}`),
              ...(path === undefined || format === undefined ? {} : { out: { path, format } }),
            },
          },
          {
            blobs: state.blobs,
            onEvent: call.onProgress,
            signal: AbortSignal.any([call.signal, context.closing]),
          },
        );
      const answer = await logUse.read(() =>
        out === undefined
          ? ask()
          : withDraft(context, out, async (draft) => {
              const written = await ask(draft);
              await publishFile(draft, out);
              return written;
            }),
      );
      return { ...answer, out: out ?? null, durationMs: clock() - startedAt };
    },
  };
}

/** @throws COMPACTION_BAD_QUERY */
function formatOf(path: string): QueryOutput["format"] {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw compactionErrors.COMPACTION_BAD_QUERY.error(`"${path}" is no file that an answer can be written to`, {
    details: { path },
    hint: "Its name must end with .parquet, .csv or .ndjson.",
  });
}

function loggedModels(
  files: readonly CompactedFile[],
  policyFile: string,
): OperationOutput<"log.status">["models"] {
  const policies = readLogPolicies(policyFile);
  const models = new Set([
    ...files.map(({ model }) => model),
    ...(policies === undefined ? [] : [...policies.sample.keys(), ...policies.keepDays.keys()]),
  ]);
  return [...models].sort().map((model) => {
    const ofIt = files.filter((file) => file.model === model);
    const sum = (count: (file: CompactedFile) => number): number =>
      ofIt.reduce((all, file) => all + count(file), 0);
    return {
      model,
      predictions: sum((file) => file.predictions),
      sampledOut: sum((file) => file.sampledOut),
      bytes: sum((file) => file.bytes),
      from: ofIt.length === 0 ? null : isoTime(Math.min(...ofIt.map((file) => file.firstTime))),
      to: ofIt.length === 0 ? null : isoTime(Math.max(...ofIt.map((file) => file.lastTime))),
      sample: policies?.sample.get(model) ?? 1,
      keepDays: policies?.keepDays.get(model) ?? null,
    };
  });
}
