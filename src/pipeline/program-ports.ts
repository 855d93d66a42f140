import { writeColumns } from "../datasets/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { ProgramPorts, SealedTrainerSpec } from "../training/index.ts";
import type { ReportRun } from "./run-event.ts";

/** Where programs that train run, and what they inherit. */
export interface ProgramSurroundings {
  readonly projectRoot: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What `command` needs; nothing for the other trainers. */
export function programPorts(
  trainer: SealedTrainerSpec,
  ports: {
    readonly programs?: ProgramSurroundings | undefined;
    readonly blobs: BlobStore;
    readonly report: ReportRun;
  },
): { readonly program?: ProgramPorts } {
  const { programs, blobs, report } = ports;
  if (trainer.kind !== "command" || programs === undefined) return {};
  return {
    program: {
      ...programs,
      jobDirectory: blobs.temporaryPath(),
      readCode: (digest) => blobs.get(digest),
      writeParquet: (path, columns, signal) =>
        writeColumns(path, columns, { blobs, ...(signal === undefined ? {} : { signal }) }),
      onLog: (lines, stream) => report({ kind: "log", stream, lines }),
    },
  };
}
