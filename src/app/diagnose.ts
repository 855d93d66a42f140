import { accessSync, constants, existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { SlipwayError } from "../kernel/index.ts";
import { openDatabase } from "../storage/index.ts";
import type { ProjectLocation } from "./project-location.ts";
import { nearestExisting } from "./state-directory.ts";

/** One line of `slipway doctor`. */
export interface Finding {
  readonly check: string;
  readonly state: "good" | "warning" | "bad";
  readonly found: string;
  /** What to do, where something is to be done. */
  readonly advice?: string;
}

type Check = (location: ProjectLocation) => Promise<Finding> | Finding;

const OLDEST_NODE = 24;
const LITTLE_DISK_BYTES = 2 * 1024 ** 3;

/** Looks at the machine and the project's place on it; changes nothing. */
export async function* diagnose(location: ProjectLocation): AsyncGenerator<Finding> {
  const checks: readonly Check[] = [
    checkNode,
    checkDuckDb,
    checkOnnxRuntime,
    checkConfig,
    checkStateDirectory,
    checkDisk,
    checkDatabase,
    checkPredictionPort,
    checkGrpcPort,
    checkConsolePort,
  ];
  for (const check of checks) yield await check(location);
}

function checkNode(): Finding {
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= OLDEST_NODE) return good("Node", process.version);
  return bad(
    "Node",
    process.version,
    `Node ${OLDEST_NODE} or newer is needed; the package brings one, so install it again with npm`,
  );
}

async function checkDuckDb(): Promise<Finding> {
  try {
    await import("../datasets/index.ts");
    return good("DuckDB", "loads");
  } catch (error) {
    return bad(
      "DuckDB",
      messageOf(error),
      "its prebuilt binary is missing for this platform or was not installed: run `npm install` again",
    );
  }
}

async function checkOnnxRuntime(): Promise<Finding> {
  try {
    const { tryOnnxRuntime } = await import("../inference/index.ts");
    await tryOnnxRuntime();
    return good("onnxruntime", "runs");
  } catch (error) {
    return {
      check: "onnxruntime",
      state: "warning",
      found: messageOf(error),
      advice: "only imported ONNX graphs need it; where it should run, install again with npm",
    };
  }
}

function checkConfig({ projectRoot }: ProjectLocation): Finding {
  const config = join(projectRoot, "slipway.config.ts");
  if (existsSync(config)) return good("project", projectRoot);
  return {
    check: "project",
    state: "warning",
    found: `no slipway.config.ts in ${projectRoot}`,
    advice: "write one with `slipway init --from data.csv --target column`",
  };
}

function checkStateDirectory({ stateDirectory }: ProjectLocation): Finding {
  try {
    accessSync(nearestExisting(stateDirectory), constants.W_OK);
    return good("state directory", `${stateDirectory} can be written`);
  } catch (error) {
    return bad(
      "state directory",
      messageOf(error),
      "choose another with --state-dir, or change its permissions",
    );
  }
}

async function checkDisk({ stateDirectory }: ProjectLocation): Promise<Finding> {
  const { bavail, bsize } = await statfs(nearestExisting(stateDirectory));
  const freeBytes = bavail * bsize;
  const found = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`;
  if (freeBytes >= LITTLE_DISK_BYTES) return good("disk", found);
  return {
    check: "disk",
    state: "warning",
    found,
    advice: "snapshots and the prediction log need room; serving refuses predictions when the disk is full",
  };
}

async function checkDatabase({ settings, stateDirectory }: ProjectLocation): Promise<Finding> {
  const { databaseUrl } = settings;
  const path = join(stateDirectory, "slipway.db");
  if (databaseUrl === undefined && !existsSync(path)) return good("database", "SQLite, not created yet");
  try {
    const database = await openDatabase(
      databaseUrl === undefined ? { sqlitePath: path } : { postgresUrl: databaseUrl },
    );
    await database.close();
    return good("database", databaseUrl === undefined ? path : "PostgreSQL answers");
  } catch (error) {
    return bad(
      "database",
      messageOf(error),
      error instanceof SlipwayError ? (error.hint ?? "see the message") : "see the message",
    );
  }
}

function checkPredictionPort({ settings }: ProjectLocation): Promise<Finding> {
  return checkPort("prediction port", { host: settings.host, port: settings.port, option: "--port" });
}

function checkGrpcPort({ settings }: ProjectLocation): Promise<Finding> {
  if (settings.noGrpc) return Promise.resolve(good("gRPC port", "gRPC is off"));
  return checkPort("gRPC port", { host: settings.host, port: settings.grpcPort, option: "--grpc-port" });
}

function checkConsolePort({ settings }: ProjectLocation): Promise<Finding> {
  return checkPort("console port", {
    host: settings.consoleHost,
    port: settings.consolePort,
    option: "--console-port",
  });
}

function checkPort(
  check: string,
  wanted: { readonly host: string; readonly port: number; readonly option: string },
): Promise<Finding> {
  const { host, port, option } = wanted;
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error) =>
      resolve({
        check,
        state: "warning",
        found: `${port}: ${error.message}`,
        advice: `fine if that is Slipway itself; otherwise choose another with ${option}`,
      }),
    );
    probe.listen({ host, port }, () => probe.close(() => resolve(good(check, `${port} is free`))));
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function good(check: string, found: string): Finding {
  return { check, state: "good", found };
}

function bad(check: string, found: string, advice: string): Finding {
  return { check, state: "bad", found, advice };
}
