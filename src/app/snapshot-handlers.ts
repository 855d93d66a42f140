import { stat } from "node:fs/promises";
import { readRejects } from "../datasets/index.ts";
import type { SnapshotRecord } from "../registry/index.ts";
import type { ControlHandlers, OperationContext, OperationOutput } from "../wire/index.ts";
import { withDraft } from "./batch-handlers.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";
import { readManifest } from "./snapshot-manifest.ts";

type SnapshotHandlers = Pick<
  ControlHandlers,
  "data.diff" | "data.tag" | "data.untag" | "data.export" | "data.rejects"
>;

/** What is done with snapshots that are there. */
export function snapshotHandlers(context: ControlContext): SnapshotHandlers {
  const { registry, clock } = context;
  return {
    "data.diff": async ({ dataset, before: from, after: to, key, exact }, call) => {
      const startedAt = clock();
      const [before, after] = [await registry.snapshot(dataset, from), await registry.snapshot(dataset, to)];
      const compared = await runJob(
        {
          kind: "compare",
          request: {
            before: await readManifest(context, before.manifestBlob),
            after: await readManifest(context, after.manifestBlob),
            exact,
            ...(key === undefined ? {} : { key }),
          },
        },
        jobOptions(context, call),
      );
      return {
        dataset,
        before: await snapshotRecord(context, before),
        after: await snapshotRecord(context, after),
        schema: compared.schema,
        rows: compared.rows,
        columns: compared.columns,
        durationMs: clock() - startedAt,
      };
    },
    "data.tag": async ({ dataset, snapshot, tag, reason }, { actor }) => {
      const tagged = await registry.tagSnapshot({ dataset, snapshot, name: tag, actor, reason });
      return { dataset, tag, snapshot: tagged.digest, previous: tagged.previous };
    },
    "data.untag": async ({ dataset, tag, reason }, { actor }) => {
      const { digest } = await registry.untagSnapshot({ dataset, name: tag, actor, reason });
      return { dataset, tag, snapshot: digest, previous: digest };
    },
    "data.rejects": async ({ limit, ...choice }) => {
      const recorded = await chosenSnapshot(context, choice);
      const { rejects } = await readManifest(context, recorded.manifestBlob);
      return {
        dataset: recorded.dataset,
        snapshot: recorded.digest,
        rejected: rejects?.rows ?? 0,
        rowCount: recorded.rowCount,
        rejects: await readRejects(rejects, { blobs: context.blobs, limit }),
      };
    },
    "data.export": async ({ out, what, ...choice }, call) => {
      const startedAt = clock();
      const recorded = await chosenSnapshot(context, choice);
      const manifest = await readManifest(context, recorded.manifestBlob);
      const rows = await withDraft(context, out, (draft) =>
        runJob({ kind: "export", request: { manifest, what, out, draft } }, jobOptions(context, call)),
      );
      return {
        dataset: recorded.dataset,
        snapshot: recorded.digest,
        out,
        rows,
        bytes: (await stat(out)).size,
        durationMs: clock() - startedAt,
      };
    },
  };
}

/** @throws REGISTRY_UNKNOWN_SNAPSHOT, REGISTRY_AMBIGUOUS */
export async function chosenSnapshot(
  { registry }: ControlContext,
  choice: {
    readonly dataset: string;
    readonly snapshot?: string | undefined;
    readonly asOf?: string | undefined;
  },
): Promise<SnapshotRecord> {
  const { dataset, snapshot, asOf } = choice;
  if (asOf !== undefined) return await registry.snapshotAsOf(dataset, Date.parse(asOf));
  return await registry.snapshot(dataset, snapshot ?? "latest");
}

export async function snapshotRecord(
  context: ControlContext,
  recorded: SnapshotRecord,
): Promise<OperationOutput<"data.log">["snapshots"][number]> {
  const { dataset, digest, rowCount, recordedAt, actor } = recorded;
  const manifest = await readManifest(context, recorded.manifestBlob);
  const tags = await context.registry.snapshotTags(dataset);
  return {
    dataset,
    digest,
    tags: tags.filter((tag) => tag.digest === digest).map(({ name }) => name),
    rowCount,
    rejected: manifest.rejects?.rows ?? 0,
    bytes: manifest.parts.reduce((sum, part) => sum + part.bytes, 0),
    addedAt: isoTime(recordedAt),
    actor,
  };
}

function jobOptions(context: ControlContext, call: OperationContext): Parameters<typeof runJob>[1] {
  return {
    blobs: context.state.blobs,
    questions: jobQuestions(context, call.actor),
    onEvent: call.onProgress,
    signal: AbortSignal.any([call.signal, context.closing]),
  };
}
