import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KeptPath } from "../storage/index.ts";
import { appErrors } from "./errors.ts";

/** Where a project's state lies: `.slipway/` beside its config, unless set otherwise. */
export interface StateDirectory {
  readonly root: string;
  readonly database: string;
  readonly blobs: string;
  /** Segments of the prediction log. */
  readonly log: string;
  /** Segments of the feedback log. */
  readonly feedback: string;
  /** Segments of the stream: rows and labels in the order in which windows see them. */
  readonly stream: string;
  /** What the process that writes the stream says of itself. */
  readonly sequencer: string;
  /** States of windows, kept so that a worker need not read the whole stream; they can be made anew. */
  readonly windows: string;
  /** What the programs of runs printed, one file a run. */
  readonly runLogs: string;
  /** The last routing snapshot; workers start from it when nothing else answers. */
  readonly routing: string;
  /** What the project says about the logs of its models; workers follow it. */
  readonly logPolicies: string;
  /** Address and token of the running control plane, mode 0600. */
  readonly control: string;
  /** What the workers have counted since the server was started. */
  readonly metrics: string;
  /** The last changes of the number of workers. */
  readonly scaling: string;
  /** One status file per live worker. */
  readonly workers: string;
  /** Held by the running supervisor. */
  readonly supervisor: string;
  /** The key that this installation signs with, mode 0600. */
  readonly installationKey: string;
  /** This installation's signatures of custom code. */
  readonly signatures: string;
}

/**
 * Creates what is missing, readable by the owner only.
 *
 * @throws APP_STATE_UNUSABLE
 */
export function openStateDirectory(root: string): StateDirectory {
  const state: StateDirectory = {
    root,
    database: join(root, "slipway.db"),
    blobs: join(root, "blobs"),
    log: join(root, "log"),
    feedback: join(root, "feedback"),
    stream: join(root, "stream"),
    sequencer: join(root, "sequencer.json"),
    windows: join(root, "windows"),
    runLogs: join(root, "run-logs"),
    routing: join(root, "routing.json"),
    logPolicies: join(root, "log-policies.json"),
    control: join(root, "control.json"),
    metrics: join(root, "metrics"),
    scaling: join(root, "scaling.json"),
    workers: join(root, "workers"),
    supervisor: join(root, "supervisor.json"),
    installationKey: join(root, "installation.key"),
    signatures: join(root, "signatures"),
  };
  try {
    // mkdir itself calls a read-only file system a missing file.
    accessSync(nearestExisting(root), constants.W_OK);
    for (const directory of [
      state.root,
      state.blobs,
      state.log,
      state.feedback,
      state.stream,
      state.windows,
      state.workers,
      state.metrics,
      state.signatures,
    ])
      mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw appErrors.APP_STATE_UNUSABLE.error(
      `the state directory ${root} cannot be used: ${cause instanceof Error ? cause.message : cause}`,
      {
        details: { directory: root },
        hint: "change its permissions, or choose another with --state-dir or SLIPWAY_STATE_DIR",
        cause,
      },
    );
  }
  return state;
}

/** What a backup holds besides database and blobs, and the names that it has there. */
export function keptPaths(state: StateDirectory): KeptPath[] {
  return [
    { name: "log", path: state.log },
    { name: "feedback", path: state.feedback },
    // After the logs, so that it holds every event that a prediction in them says it had seen.
    { name: "stream", path: state.stream },
    { name: "installation.key", path: state.installationKey },
    { name: "signatures", path: state.signatures },
  ];
}

/** The folder itself, or the one above it in which it would be made. */
export function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}
