import { writeColumns } from "../datasets/index.ts";
import type { BlobStore } from "../storage/index.ts";
import {
  type ForeignModel,
  type ProgramPorts,
  readForeignModel,
  type SealedTrainerSpec,
} from "../training/index.ts";
import type { ReportRun } from "./run-event.ts";

/** Where programs that train run, and what they inherit. */
export interface ProgramSurroundings {
  readonly projectRoot: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What `command` and `pretrained` need; nothing for the other trainers. @throws INFERENCE_* and the errors of the blob store */
export async function trainerPorts(
  trainer: SealedTrainerSpec,
  ports: {
    readonly programs?: ProgramSurroundings | undefined;
    readonly blobs: BlobStore;
    readonly report: ReportRun;
  },
): Promise<{ readonly program?: ProgramPorts; readonly pretrained?: ForeignModel }> {
  const { programs, blobs, report } = ports;
  if (trainer.kind === "pretrained") {
    const { file, digest, format } = trainer;
    return { pretrained: readForeignModel({ file, bytes: await blobs.get(digest) }, format) };
  }
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
