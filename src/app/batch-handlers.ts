import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { ReadingRules } from "../datasets/index.ts";
import { newId } from "../kernel/index.ts";
import { loadProject } from "../project/index.ts";
import type { ControlHandlers } from "../wire/index.ts";
import type { ControlContext } from "./control-context.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";

/** Predictions for files. */
export function batchHandlers(context: ControlContext): Pick<ControlHandlers, "predict.file"> {
  const { registry, clock, state } = context;
  return {
    "predict.file": async ({ model, version: reference, file, out, columns, as }, call) => {
      const startedAt = clock();
      const version = await registry.version(model, reference);
      const rules = await readingRules(context, version.dataset);
      const request = { model, version: version.version, bundle: version.bundle, file, rules, column: as };
      const predicted = await withDraft(context, out, (draft) =>
        runJob(
          {
            kind: "predict",
            request: { ...request, out, draft, ...(columns === undefined ? {} : { keep: columns }) },
          },
          {
            blobs: state.blobs,
            signed: state,
            questions: jobQuestions(context, call.actor),
            onEvent: call.onProgress,
            signal: AbortSignal.any([call.signal, context.closing]),
          },
        ),
      );
      const durationMs = clock() - startedAt;
      return {
        model,
        version: version.version,
        bundle: version.bundle,
        file,
        out,
        ...predicted,
        durationMs,
        rowsPerSecond: Math.round((predicted.rows * 1000) / Math.max(1, durationMs)),
      };
    },
  };
}

/**
 * Hands out the name under which a runner writes `out` until it is whole. A runner removes it when it fails; one that is
 * killed cannot.
 */
export async function withDraft<Result>(
  { clock }: Pick<ControlContext, "clock">,
  out: string,
  work: (draft: string) => Promise<Result>,
): Promise<Result> {
  const draft = join(dirname(out), `.${basename(out)}.${newId("draft", clock)}`);
  try {
    return await work(draft);
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => {
      throw thrown;
    });
    throw thrown;
  }
}

/** The dataset's, as far as they say how texts become values; none where the project no longer declares it. */
async function readingRules(context: ControlContext, dataset: string | null): Promise<ReadingRules> {
  const project = await loadProject(context.location.projectRoot).catch(() => undefined);
  const source = dataset === null ? undefined : project?.datasets.get(dataset)?.source;
  if (source === undefined) return {};
  const { format: _, glob: __, ...rules } = source;
  return rules;
}
