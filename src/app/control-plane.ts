import { createDirectClient } from "../client/index.ts";
import { systemClock } from "../kernel/index.ts";
import { createRegistry, type Registry } from "../registry/index.ts";
import { openDatabase, openFileBlobs } from "../storage/index.ts";
import type { ControlClient, ControlHandlers } from "../wire/index.ts";
import { backupHandler } from "./backup-handler.ts";
import { batchHandlers } from "./batch-handlers.ts";
import type { ControlContext, ServerFacts } from "./control-context.ts";
import { dataHandlers } from "./data-handlers.ts";
import { databaseTarget } from "./database-target.ts";
import { deploymentHandlers } from "./deployment-handlers.ts";
import { feedbackHandlers } from "./feedback-handlers.ts";
import { garbageHandlers } from "./garbage-handlers.ts";
import { importHandler } from "./import-handler.ts";
import { logHandlers } from "./log-handlers.ts";
import { LogUse } from "./log-use.ts";
import { modelExportHandler } from "./model-export-handler.ts";
import { modelHandlers } from "./model-handlers.ts";
import type { ProjectLocation } from "./project-location.ts";
import { proofHandlers } from "./proof-handlers.ts";
import { writeRoutingFile } from "./routing-file.ts";
import { isRunAlive } from "./run-owner.ts";
import { openStateDirectory } from "./state-directory.ts";
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
 * @throws STORAGE_* when the database cannot be opened
 */
export async function openControlPlane(
  location: ProjectLocation,
  options: ControlPlaneOptions = {},
): Promise<ControlPlane> {
  const { settings } = location;
  const state = openStateDirectory(location.stateDirectory);
  const database = await openDatabase(databaseTarget(location, state));
  const registry = createRegistry(database, { clock: systemClock });
  await registry.interruptStaleRuns({ isAlive: isRunAlive, actor: settings.actor });
  const closing = new AbortController();
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
    publishRouting: async () => writeRoutingFile(state.routing, await registry.routing()),
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
