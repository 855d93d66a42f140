import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { singleRecord, V1_PATH, V2_PATH } from "./flight-requests.ts";
import { type BenchProcesses, freePort } from "./processes.ts";
import type { BenchServer } from "./servers.ts";

/** A Python server that answers the same records. What each does not do is said in its own file. */
export interface PythonPeer {
  readonly name: string;
  /** Folder in bench/peers, and end of the name of its environment. */
  readonly folder: string;
  readonly protocol: "v1" | "v2";
  /** The file in its environment by which one can tell that it was set up. */
  readonly installed: string;
  /** Program in its environment, and arguments. */
  readonly command: readonly [string, ...string[]];
  /** True when it is more than one process, so that the processor time of one means nothing. */
  readonly isSeveral: boolean;
  /** ours ÷ peer in requests a second. */
  readonly aim: number;
}

export const pythonPeers: readonly PythonPeer[] = [
  {
    ...{ name: "FastAPI + onnxruntime", folder: "fastapi", protocol: "v1", installed: "flights.onnx" },
    ...{ command: ["python", "server.py"], isSeveral: false, aim: 6 },
  },
  {
    ...{ name: "MLServer", folder: "mlserver", protocol: "v2", installed: "installed" },
    ...{ command: ["mlserver", "start", "."], isSeveral: false, aim: 10 },
  },
  {
    ...{ name: "LitServe", folder: "litserve", protocol: "v1", installed: "installed" },
    ...{ command: ["python", "server.py"], isSeveral: true, aim: 10 },
  },
  {
    ...{ name: "Ray Serve", folder: "ray-serve", protocol: "v1", installed: "installed" },
    ...{ command: ["python", "server.py"], isSeveral: true, aim: 10 },
  },
];

const PEERS = fileURLToPath(new URL("../peers/", import.meta.url));
const MODEL = join(PEERS, ".venv-fastapi/flights.onnx");
const START_MS = 120_000;

/** @returns a text that says why when it cannot be had here */
export async function startPythonPeer(
  peer: PythonPeer,
  processes: BenchProcesses,
): Promise<BenchServer | string> {
  const environment = join(PEERS, `.venv-${peer.folder}`);
  // FastAPI's set-up makes the model that all of them serve.
  const problem = setUp("fastapi", MODEL) ?? setUp(peer.folder, join(environment, peer.installed));
  if (problem !== undefined) return `not installed: ${problem}`;
  const port = await freePort();
  const [program, ...args] = peer.command;
  const child = processes.spawn(join(environment, "bin", program), args, {
    cwd: join(PEERS, peer.folder),
    env: {
      ...process.env,
      ...{ MODEL, PORT: String(port), PYTHONPATH: join(PEERS, "flights"), PYTHONDONTWRITEBYTECODE: "1" },
      ...{ MLSERVER_HTTP_PORT: String(port), MLSERVER_GRPC_PORT: String(await freePort()) },
      ...{ RAY_AUTH_MODE: "disabled", RAY_USAGE_STATS_ENABLED: "0" },
    },
  });
  const refused = await refusalOf(peer, { port, isRunning: () => child.exitCode === null });
  if (refused !== undefined) {
    await processes.stop(child);
    return `does not answer: ${refused}`;
  }
  return { name: peer.name, port, process: child, isSeveral: peer.isSeveral };
}

function setUp(folder: string, installed: string): string | undefined {
  if (existsSync(installed)) return undefined;
  process.stderr.write(`setting up bench/peers/.venv-${folder} …\n`);
  try {
    execFileSync(join(PEERS, folder, "setup.sh"), { stdio: ["ignore", 2, "pipe"], encoding: "utf8" });
    return undefined;
  } catch (thrown) {
    const { stderr, message } = thrown as Error & { stderr?: string };
    const lines = (stderr ?? message).trim().split("\n");
    return lines.findLast((line) => line.startsWith("ERROR")) ?? lines.at(-1) ?? "its set-up failed";
  }
}

/** Waits until it answers a record with a probability; otherwise answers what it said last. */
async function refusalOf(
  { protocol }: PythonPeer,
  server: { readonly port: number; readonly isRunning: () => boolean },
): Promise<string | undefined> {
  const path = protocol === "v1" ? V1_PATH : V2_PATH;
  let said = "nothing";
  for (const until = Date.now() + START_MS; Date.now() < until && server.isRunning(); ) {
    try {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        ...{ method: "POST", headers: { "content-type": "application/json" }, body: singleRecord[protocol] },
      });
      said = await response.text();
      if (response.ok) return isProbability(protocol, JSON.parse(said)) ? undefined : said;
    } catch (thrown) {
      said = thrown instanceof Error ? thrown.message : String(thrown);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return said;
}

function isProbability(
  protocol: "v1" | "v2",
  answer: { predictions?: unknown[]; outputs?: { data?: unknown[] }[] },
): boolean {
  const score = protocol === "v1" ? answer.predictions?.[0] : answer.outputs?.[0]?.data?.[0];
  return typeof score === "number" && score > 0 && score < 1;
}
