import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchRow } from "./bench-row.ts";
import { FLIGHT_REQUEST, writeFlightsBundle } from "./serving/flights-model.ts";
import type { LoadOrder, LoadResult } from "./serving/load-generator.ts";

/**
 * One record a request through the whole path (HTTP, JSON, features, 100 trees × 31 leaves, group-committed log) on one
 * worker, beside a bare node:http server that answers as many bytes, and beside FastAPI with onnxruntime. The servers take
 * turns in short windows; each ratio is the median of the ratios of the rounds.
 */
const ROUNDS = 40;
const WINDOW_MS = 250;
const WARM_MS = 2_000;
const CONNECTIONS = 32;
const MODEL = "late";
const PATH = `/v1/models/${MODEL}:predict`;

interface Server {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

type Measured = ReadonlyMap<Server, LoadResult>;

export async function bench(): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), "slipway-bench-serving-"));
  const children: ChildProcess[] = [];
  try {
    const bundle = await writeFlightsBundle(directory);
    const generator = start("load-generator", children);
    const measure = async (
      servers: readonly Server[],
      options: Partial<LoadOrder> = {},
    ): Promise<Measured> => {
      const results = await ask<LoadResult[]>(generator, { ...orderFor(servers), ...options });
      const failed = servers.findIndex((_, at) => results[at]!.failures > 0);
      if (failed !== -1)
        throw new Error(`${servers[failed]!.name} failed ${results[failed]!.failures} requests`);
      return new Map(servers.map((server, at) => [server, results[at]!]));
    };

    const ours = await startOurs({ directory, bundle, children });
    const once = await measure([ours], { rounds: 1, warmMs: 100, windowMs: 100 });
    const echo = await startEcho(once.get(ours)!.responseBytes, children);
    const fastApi = await startFastApi(children);

    const many = await measure([ours, echo, ...(fastApi === undefined ? [] : [fastApi])]);
    const single = await measure([ours, echo], { connections: 1 });
    const what = `single record, ${CONNECTIONS} connections`;
    return [
      ...compare(what, many, { ours, peer: echo }),
      // With one connection the throughput is the latency's inverse.
      ...compare("single record, 1 connection", single, { ours, peer: echo }).slice(1),
      ...(fastApi === undefined ? [] : compare(what, many, { ours, peer: fastApi })),
    ];
  } finally {
    await Promise.all(children.map(stop));
    rmSync(directory, { recursive: true, force: true });
  }
}

function orderFor(servers: readonly Server[]): LoadOrder {
  return {
    servers: servers.map(({ port, process: child }) => ({ port, pid: child.pid ?? 0 })),
    path: PATH,
    body: FLIGHT_REQUEST,
    connections: CONNECTIONS,
    warmMs: WARM_MS,
    windowMs: WINDOW_MS,
    rounds: ROUNDS,
  };
}

function compare(
  what: string,
  measured: Measured,
  { ours, peer }: { readonly ours: Server; readonly peer: Server },
): BenchRow[] {
  const mine = measured.get(ours)!;
  const theirs = measured.get(peer)!;
  const row = (
    claim: string,
    unit: string,
    pick: (result: LoadResult) => number | readonly number[],
  ): BenchRow => {
    const a = [pick(mine)].flat();
    const b = [pick(theirs)].flat();
    return {
      claim: `${what}: ${claim}`,
      ours: median(a),
      peer: median(b),
      peerName: peer.name,
      ratio: median(a.map((value, round) => value / b[round]!)),
      unit,
    };
  };
  return [
    row("throughput", "requests/s", (result) => result.requestsPerSecond),
    row("p50", "ms", (result) => result.p50),
    row("p99", "ms", (result) => result.p99),
    row("p99.9", "ms", (result) => result.p999),
    row("processor time", "µs/request", (result) => result.cpuMicroseconds),
  ].filter(({ ratio }) => !Number.isNaN(ratio));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function startOurs(options: {
  readonly directory: string;
  readonly bundle: string;
  readonly children: ChildProcess[];
}): Promise<Server> {
  const { directory, bundle, children } = options;
  const child = start("prediction-server", children);
  const { port } = await ask<{ port: number }>(child, { directory, bundle, model: MODEL });
  return { name: "slipway", port, process: child };
}

async function startEcho(responseBytes: number, children: ChildProcess[]): Promise<Server> {
  const child = start("echo-server", children);
  const { port } = await ask<{ port: number }>(child, { responseBytes });
  return { name: "bare node:http echo", port, process: child };
}

const VENV = fileURLToPath(new URL("peers/.venv-fastapi/", import.meta.url));
const APP = fileURLToPath(new URL("peers/fastapi/", import.meta.url));

/** Undefined, with a loud line, where Python or its packages cannot be had. */
async function startFastApi(children: ChildProcess[]): Promise<Server | undefined> {
  const model = join(VENV, "flights.onnx");
  try {
    if (!existsSync(model)) execFileSync(join(APP, "setup.sh"), { stdio: ["ignore", 2, 2] });
  } catch (error) {
    process.stderr.write(`NOT COMPARED with FastAPI: its set-up failed (${String(error)})\n`);
    return undefined;
  }
  const port = await freePort();
  const options = "--loop uvloop --http httptools --workers 1 --no-access-log --log-level warning".split(" ");
  const child = spawn(
    join(VENV, "bin/python"),
    ["-m", "uvicorn", "app:app", "--app-dir", APP, "--host", "127.0.0.1", "--port", String(port), ...options],
    { stdio: ["ignore", 2, 2], env: { ...process.env, MODEL: model } },
  );
  children.push(child);
  await answering(port);
  return { name: "FastAPI + onnxruntime", port, process: child };
}

function start(file: string, children: ChildProcess[]): ChildProcess {
  const child = fork(fileURLToPath(new URL(`serving/${file}.ts`, import.meta.url)));
  children.push(child);
  return child;
}

function ask<Answer>(child: ChildProcess, message: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => reject(new Error(`${child.spawnfile} ended with code ${code}`));
    child.once("exit", died);
    child.once("message", (answer) => {
      child.off("exit", died);
      resolve(answer as Answer);
    });
    child.send(message);
  });
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function answering(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answered = await fetch(`http://127.0.0.1:${port}${PATH}`, {
      method: "POST",
      body: FLIGHT_REQUEST,
    }).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("FastAPI did not answer within 20 s");
}
