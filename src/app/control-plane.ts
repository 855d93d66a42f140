import { existsSync } from "node:fs";
import { createDirectClient } from "../client/index.ts";
import { systemClock } from "../kernel/index.ts";
import { createRegistry, type Registry } from "../registry/index.ts";
import { openDatabase, openFileBlobs } from "../storage/index.ts";
import type { ControlClient, ControlHandlers } from "../wire/index.ts";
import { activityHandler } from "./activity-handler.ts";
import { backupHandler } from "./backup-handler.ts";
import { batchHandlers } from "./batch-handlers.ts";
import type { ControlContext, ServerFacts } from "./control-context.ts";
import { dataHandlers } from "./data-handlers.ts";
import { databaseTarget } from "./database-target.ts";
import { deploymentHandlers } from "./deployment-handlers.ts";
import { appErrors } from "./errors.ts";
import { feedbackHandlers } from "./feedback-handlers.ts";
import { garbageHandlers } from "./garbage-handlers.ts";
import { importHandler } from "./import-handler.ts";
import { logHandlers } from "./log-handlers.ts";
import { LogUse } from "./log-use.ts";
import { modelExportHandler } from "./model-export-handler.ts";
import { modelHandlers } from "./model-handlers.ts";
import type { ProjectLocation } from "./project-location.ts";
import { proofHandlers } from "./proof-handlers.ts";
import { publishedGeneration, writeRoutingFile } from "./routing-file.ts";
import { isRunAlive } from "./run-owner.ts";
import { openStateDirectory, type StateDirectory } from "./state-directory.ts";
import { statusHandler } from "./status-handler.ts";
import { trainHandlers } from "./train-handlers.ts";

export interface ControlPlaneOptions {
  /** What runs around this control plane; absent when it serves one command. */
  readonly server?: () => ServerFacts;
  /** Shared with whoever removes parts of the prediction log. */
  readonly logUse?: LogUse;
  /** Called when a client asks the server to stop. */
  readonly onStop?: () => void;
}

export interface ControlPlane {
  readonly handlers: ControlHandlers;
  /** In-process client, acting as the user of the settings. */
  readonly client: ControlClient;
  /** Writes the current routing snapshot where workers look for it. */
  publishRouting(): Promise<void>;
  readonly registry: Registry;
  close(): Promise<void>;
}

/**
 * Opens a project's state and implements every control operation over it. Used by the server's control process and,
 * where no server runs, by a command in its own process.
 *
 * @throws STORAGE_* when the database cannot be opened, APP_DATABASE_BEHIND when it is not the one that was served from
 */
export async function openControlPlane(
  location: ProjectLocation,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const { settings } = location;
  const state = openStateDirectory(location.stateDirectory);
  refuseMissingDatabase(location, state);
  const database = await openDatabase(databaseTarget(location, state));
  const registry = createRegistry(database, { clock: systemClock });
  await registry.interruptStaleRuns({ isAlive: isRunAlive, actor: settings.actor });
  const closing = new AbortController();
  let publishing: Promise<void> = Promise.resolve();
  const publish = async (): Promise<void> => {
    const published = publishedGeneration(state.routing);
    const routing = await registry.routing();
    if (published > routing.generation) throw databaseBehind(state.routing, published, routing.generation);
    writeRoutingFile(state.routing, routing);
  };
  const context: ControlContext = {
    location,
    state,
    registry,
    databaseKind: database.dialect,
    blobs: openFileBlobs(state.blobs),
    clock: systemClock,
    closing: closing.signal,
    server: options.server,
    logUse: options.logUse ?? new LogUse(),
    // One after the other, so that what was read first is not written last.
    publishRouting: () => {
      const published = publishing.then(publish);
      publishing = published.catch(() => undefined);
      return published;
    },
  };
  const handlers: ControlHandlers = {
    ...dataHandlers(context),
    ...trainHandlers(context),
    ...modelHandlers(context),
    ...importHandler(context),
    ...modelExportHandler(context),
    ...deploymentHandlers(context),
    ...proofHandlers(context),
    ...feedbackHandlers(context),
    ...logHandlers(context),
    ...batchHandlers(context),
    ...garbageHandlers(context),
    ...backupHandler(context),
    status: statusHandler(context),
    activity: activityHandler(context),
    stop: async () => {
      options.onStop?.();
      return { stopping: options.onStop !== undefined };
    },
  };
  return {
    handlers,
    client: createDirectClient({ handlers, actor: settings.actor }),
    publishRouting: context.publishRouting,
    registry,
    close: async () => {
      closing.abort(new Error("the control plane is closing"));
      await database.close();
    },
  };
}

/** A database that is made anew where one was would know nothing of what is served. @throws APP_DATABASE_BEHIND */
function refuseMissingDatabase(location: ProjectLocation, state: StateDirectory): void {
  const target = databaseTarget(location, state);
  if (!("sqlitePath" in target) || existsSync(target.sqlitePath)) return;
  const published = publishedGeneration(state.routing);
  if (published > 0) throw databaseBehind(state.routing, published, 0);
}

function databaseBehind(routing: string, published: number, known: number): Error {
  return appErrors.APP_DATABASE_BEHIND.error(
    `${routing} says that generation ${published} is served, and the database knows ${known === 0 ? "of none" : `generation ${known} only`}`,
    {
      details: { routing, published, known },
      hint: `Put the right database back: the workers serve meanwhile. To begin anew with this one, remove ${routing}.`,
    },
  );
}
