import { statSync } from "node:fs";
import { join } from "node:path";
import { publishFile } from "../storage/index.ts";
import type { ControlHandlers } from "../wire/index.ts";
import { withDraft } from "./batch-handlers.ts";
import { slipwayVersion } from "./code-version.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import { openInstallation } from "./installation.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";
import { keptPaths } from "./state-directory.ts";

/** Everything in one file, while it is in use. */
export function backupHandler(context: ControlContext): Pick<ControlHandlers, "backup"> {
  const { registry, clock, state, logUse } = context;
  return {
    backup: async ({ out: wanted }, call) => {
      const at = clock();
      const out = fileAt(wanted, `slipway-${isoTime(at).slice(0, 19).replace(/[-:]/g, "")}Z.backup`);
      const { id } = openInstallation(state);
      const written = await logUse.copy(() =>
        withDraft(context, out, async (draft) => {
          const summary = await runJob(
            {
              kind: "backup",
              request: {
                out: draft,
                header: { installation: id, slipway: slipwayVersion, at },
                kept: keptPaths(state),
              },
            },
            {
              blobs: state.blobs,
              questions: jobQuestions(context, call.actor),
              onEvent: call.onProgress,
              signal: AbortSignal.any([call.signal, context.closing]),
            },
          );
          await publishFile(draft, out);
          return summary;
        }),
      );
      const { bytes, digest } = written;
      await registry.notePortable({
        action: "backup.written",
        model: null,
        actor: call.actor,
        details: { bytes, digest },
      });
      return { out, at: isoTime(at), installation: id, ...written, durationMs: clock() - at };
    },
  };
}

/** The path itself, or a file of this name in it when it is a folder. */
export function fileAt(path: string, name: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, name) : path;
}
