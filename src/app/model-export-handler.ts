import { blobsOfVersion, encodeCarriedVersion } from "../registry/index.ts";
import { publishFile } from "../storage/index.ts";
import type { ControlHandlers } from "../wire/index.ts";
import { fileAt } from "./backup-handler.ts";
import { withDraft } from "./batch-handlers.ts";
import type { ControlContext } from "./control-context.ts";
import { openInstallation } from "./installation.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";

/** One version in one file, for another installation. */
export function modelExportHandler(context: ControlContext): Pick<ControlHandlers, "models.export"> {
  const { registry, blobs, clock, state } = context;
  return {
    "models.export": async ({ model, version: reference, out: wanted, reason }, call) => {
      const startedAt = clock();
      const { version, bundle, recipe } = await registry.version(model, reference);
      const out = fileAt(wanted, `${model}-${version}.slipway`);
      const installation = openInstallation(state);
      const contents = await blobsOfVersion(blobs, { bundle, recipe });
      const record = encodeCarriedVersion(
        await registry.carriedVersion({
          ...{ model, version, installation: installation.id, publicKey: installation.publicKey },
          blobs: contents,
        }),
      );
      const { bytes, digest } = await withDraft(context, out, async (draft) => {
        const written = await runJob(
          {
            kind: "export-model",
            request: { out: draft, record, signature: installation.sign(record), contents },
          },
          {
            blobs: state.blobs,
            questions: jobQuestions(context, call.actor),
            onEvent: call.onProgress,
            signal: AbortSignal.any([call.signal, context.closing]),
          },
        );
        await publishFile(draft, out);
        return written;
      });
      await registry.notePortable({
        ...{ action: "version.exported", model, actor: call.actor, reason },
        details: { version, bundle, file: digest, bytes },
      });
      return {
        ...{ model, version, bundle, out, bytes, digest, installation: installation.id },
        durationMs: clock() - startedAt,
      };
    },
  };
}
