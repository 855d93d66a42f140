import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { ProjectLocation } from "../app/index.ts";
import type { Settings } from "../config/index.ts";
import type { ControlClient } from "../wire/index.ts";
import { cliErrors } from "./errors.ts";

export const CONFIG_FILE = "slipway.config.ts";

export interface OpenedControlPlane {
  readonly client: ControlClient;
  close(): Promise<void>;
}

/** `control.json` in the state directory: how commands find the running server. */
export interface ControlFile {
  /** Of the console: `http://127.0.0.1:4700`. */
  readonly address: string;
  readonly token: string;
}

/** A server on the same machine answers its liveness at once, or is not there. */
const LIVENESS_MS = 2_000;

/**
 * The folder of the project: the one named, or, from the current folder upwards, the first that holds a
 * configuration.
 *
 * @throws CLI_NO_PROJECT
 */
export function locateProject(settings: Settings): ProjectLocation {
  const given = resolve(settings.projectDirectory);
  const start = basename(given) === CONFIG_FILE ? dirname(given) : given;
  const projectRoot = findUpwards(start);
  if (projectRoot === undefined) {
    throw cliErrors.CLI_NO_PROJECT.error(`there is no ${CONFIG_FILE} in ${start} or a folder above it`, {
      details: { folder: start },
      hint: "write one with `slipway init --from data.csv --target column`, or name the project's folder with --project",
    });
  }
  return { projectRoot, stateDirectory: resolve(projectRoot, settings.stateDirectory), settings };
}

function findUpwards(start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG_FILE))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * The control plane that a command talks to: the server named with `--server`, else the one that runs for the
 * project, else one in this process.
 *
 * @throws CLI_TOKEN_WANTED, CLI_NO_PROJECT, CLI_BAD_CONTROL_FILE
 */
export async function connect(settings: Settings): Promise<OpenedControlPlane> {
  if (settings.serverUrl !== undefined) return connectToServer(settings.serverUrl, settings);
  const location = locateProject(settings);
  const running = await findRunningServer(location.stateDirectory);
  if (running) return await openHttp({ ...running, actor: settings.actor });
  const { openControlPlane } = await import("../app/index.ts");
  return await openControlPlane(location);
}

async function connectToServer(address: string, settings: Settings): Promise<OpenedControlPlane> {
  if (settings.token === undefined) {
    throw cliErrors.CLI_TOKEN_WANTED.error(`the server at ${address} asks for a token`, {
      details: { address },
      hint: "pass it with --token or SLIPWAY_TOKEN; the server keeps it in control.json in its state directory",
    });
  }
  return await openHttp({ address, token: settings.token, actor: settings.actor });
}

async function openHttp(options: {
  address: string;
  token: string;
  actor: string;
}): Promise<OpenedControlPlane> {
  const { createHttpClient } = await import("../client/index.ts");
  return { client: createHttpClient(options), close: async () => undefined };
}

/** The server that runs for a state directory, if one answers; the file of one that died is left for its successor. */
export async function findRunningServer(stateDirectory: string): Promise<ControlFile | undefined> {
  const file = readControlFile(join(stateDirectory, "control.json"));
  return file && (await isLive(file)) ? file : undefined;
}

function readControlFile(path: string): ControlFile | undefined {
  if (!existsSync(path)) return undefined;
  const value = parseJson(readText(path));
  if (isControlFile(value)) return value;
  throw cliErrors.CLI_BAD_CONTROL_FILE.error(`${path} does not name a server`, {
    details: { file: path },
    hint: "remove it if no server runs for this project",
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw cliErrors.CLI_BAD_CONTROL_FILE.error(
      `${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      { details: { file: path }, hint: "it belongs to the user who runs the server", cause },
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isControlFile(value: unknown): value is ControlFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "address" in value &&
    typeof value.address === "string" &&
    "token" in value &&
    typeof value.token === "string"
  );
}

/** The token tells this server from another that took its port since. */
async function isLive({ address, token }: ControlFile): Promise<boolean> {
  try {
    const response = await fetch(`${address}/livez`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(LIVENESS_MS),
      redirect: "error",
    });
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    // Nobody there, or somebody else on the port: both mean that the file is stale.
    if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError"))
      return false;
    throw error;
  }
}
