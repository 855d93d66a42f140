import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../kernel/index.ts";
import { createRegistry } from "../registry/index.ts";
import {
  BACKUP_ROWS,
  type Database,
  isDatabaseEmpty,
  listSegments,
  moveIntoPlace,
  openDatabase,
  openFileBlobs,
  restoreDatabase,
  storageErrors,
} from "../storage/index.ts";
import type { ProgressEvent } from "../wire/index.ts";
import { isoTime } from "./control-context.ts";
import { databaseTarget } from "./database-target.ts";
import { appErrors } from "./errors.ts";
import type { ProjectLocation } from "./project-location.ts";
import { writeRoutingFile } from "./routing-file.ts";
import { runJob } from "./runner.ts";
import { keptPaths, openStateDirectory, type StateDirectory } from "./state-directory.ts";
import { claim } from "./supervisor-claim.ts";
import { readWorkerStatuses } from "./worker-status.ts";

export interface RestoreOptions extends ProjectLocation {
  readonly file: string;
  /** Take the place of what is there. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
}

export interface Restored {
  readonly installation: string;
  /** The moment that the backup is of, ISO 8601. */
  readonly at: string;
  readonly database: Database["dialect"];
  readonly rows: number;
  readonly blobs: number;
  readonly files: number;
  readonly durationMs: number;
}

/**
 * Makes a project's state what a backup holds: blobs first, then the prediction log, and last, in one transaction, the
 * database. Until the backup has been verified nothing of the state changes.
 *
 * @throws APP_ALREADY_UP, STORAGE_TARGET_NOT_EMPTY, STORAGE_ARCHIVE_DAMAGED, STORAGE_ARCHIVE_UNSUPPORTED,
 *   STORAGE_DATABASE_NEWER, and the errors of files and databases
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const state = openStateDirectory(options.stateDirectory);
  const release = claim(state, { handsOver: false });
  try {
    refuseWorkers(state);
    const database = await openDatabase(databaseTarget(options, state));
    try {
      if (!options.replace) await refuseUnlessEmpty(state, database);
      return await restore(options, state, database);
    } finally {
      await database.close();
    }
  } finally {
    release();
  }
}

async function restore(
  { file, signal, onProgress, settings }: RestoreOptions,
  state: StateDirectory,
  database: Database,
): Promise<Restored> {
  const startedAt = systemClock();
  const into = join(state.root, "restoring");
  await rm(into, { recursive: true, force: true });
  await mkdir(into, { mode: 0o700 });
  try {
    const { header, blobs, files } = await runJob(
      { kind: "unpack-backup", file, into },
      { blobs: state.blobs, onEvent: onProgress, signal },
    );
    signal.throwIfAborted();
    for (const { name, path } of keptPaths(state)) {
      if (existsSync(join(into, name))) await moveIntoPlace(join(into, name), path);
      else await rm(path, { recursive: true, force: true });
    }
    // What workers kept of another stream.
    await rm(state.windows, { recursive: true, force: true });
    const rows = await restoreDatabase(database, { path: join(into, BACKUP_ROWS), clock: systemClock });
    const registry = createRegistry(database, { clock: systemClock });
    const { installation, at } = header;
    await registry.notePortable({
      action: "backup.restored",
      model: null,
      actor: settings.actor,
      details: { installation, at: isoTime(at), rows },
    });
    writeRoutingFile(state.routing, await registry.routing());
    return {
      ...{ installation, at: isoTime(at), database: database.dialect, rows, blobs, files },
      durationMs: systemClock() - startedAt,
    };
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}

/** Workers write to the log until they have been stopped, even without a supervisor. */
function refuseWorkers(state: StateDirectory): void {
  const pids = readWorkerStatuses(state.workers, systemClock).map(({ pid }) => pid);
  if (pids.length === 0) return;
  throw appErrors.APP_ALREADY_UP.error(
    `workers still answer for this project (processes ${pids.join(", ")})`,
    {
      details: { pids },
      hint: "stop them first",
    },
  );
}

async function refuseUnlessEmpty(state: StateDirectory, database: Database): Promise<void> {
  const kept: string[] = [];
  if (!(await isDatabaseEmpty(database))) kept.push(`the database ${database.location}`);
  for (const log of [state.log, state.feedback, state.stream])
    if ((await listSegments(log)).length > 0) kept.push(`the log ${log}`);
  for await (const _ of openFileBlobs(state.blobs).list()) {
    kept.push(`the blobs ${state.blobs}`);
    break;
  }
  if (kept.length === 0) return;
  throw storageErrors.STORAGE_TARGET_NOT_EMPTY.error(`something is kept here already: ${kept.join(", ")}`, {
    details: { kept },
    hint: "restore into an empty state (--state-dir, SLIPWAY_DATABASE_URL), or give --replace to lose what is here",
  });
}
