import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { OperationOutput } from "../../src/wire/index.ts";
import { readJuneFlights } from "./june-flights.ts";
import { replayAsTraffic } from "./live-traffic.ts";
import { printSummary } from "./summary.ts";

/**
 * `npm run demo`: three million real flights, from the file to a live prediction API, by the same commands that
 * anybody would type. `--exit` ends after the summary; without it the server stays up.
 */
const { values: flags } = parseArgs({
  options: { exit: { type: "boolean", default: false }, requests: { type: "string", default: "20000" } },
});
const project = fileURLToPath(new URL("./", import.meta.url));
const slipway = fileURLToPath(new URL("../../bin/slipway.js", import.meta.url));
const bold = (text: string): string => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);
const say = (text = ""): void => void process.stdout.write(`${text}\n`);

const startedAt = performance.now();
say(bold("Slipway: US flights of 2001. Will a flight be more than 15 minutes late?"));
say("3,000,000 flights · learn from January to April · judge on May · then serve June as it happens");
say();

say(bold("$ slipway train late"));
const trained = await slipwayJson<OperationOutput<"train">>(["train", "late"]);
say();

const port = await freePort(8080);
const grpcPort = await freePort(8081);
const consolePort = await freePort(4700);
say(
  bold(
    `$ slipway up${port === 8080 ? "" : ` --port ${port}`}${grpcPort === 8081 ? "" : ` --grpc-port ${grpcPort}`}${consolePort === 4700 ? "" : ` --console-port ${consolePort}`}`,
  ),
);
const server = spawn(
  process.execPath,
  [
    slipway,
    "up",
    "--port",
    String(port),
    "--grpc-port",
    String(grpcPort),
    "--console-port",
    String(consolePort),
  ],
  {
    cwd: project,
    stdio: ["ignore", "ignore", "inherit"],
  },
);
const base = `http://127.0.0.1:${port}`;
await untilReady(server, base);
say(`✓ predictions on ${base}, console on http://127.0.0.1:${consolePort}`);

say();
say(bold("June arrives: live traffic over HTTP"));
const flights = await readJuneFlights(Number(flags.requests));
const traffic = await replayAsTraffic({ url: `${base}/v1/models/late:predict`, flights, connections: 16 });

say();
say(bold(`$ slipway replay --since ${traffic.since} --all`));
const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--since", traffic.since, "--all"]);

printSummary({ trained, traffic, replayed, flights, elapsedMs: performance.now() - startedAt });

const example =
  flights.find(({ record }) => record.origin === "ORD" && record.date.includes("T18:")) ?? flights[0];
say(bold("Try it, in another terminal:"));
say(`curl -s ${base}/v1/models/late:predict -d '{"instances": [${JSON.stringify(example?.record)}]}'`);
say();

if (flags.exit) {
  await stopServer(server);
} else {
  say("The server stays up; Ctrl-C stops it.");
  process.on("SIGINT", () => undefined);
  process.exitCode = await new Promise<number>((resolve) =>
    server.once("exit", (code) => resolve(code ?? 0)),
  );
}

/** Runs a command with `--json`: its progress goes to the terminal, its answer comes back. */
function slipwayJson<Answer>(command: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [slipway, ...command, "--json"], {
      cwd: project,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("exit", (code) => {
      const text = Buffer.concat(chunks).toString("utf8");
      if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`slipway ${command.join(" ")} ended with ${code}: ${text}`));
    });
  });
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`slipway up ended with ${child.exitCode}`);
    const ready = await fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("slipway up was not ready within a minute");
}

async function stopServer(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/** The wanted port, or any free one when it is taken: a demo must not fail over somebody's other server. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" && wanted !== 0) freePort(0).then(resolve, reject);
      else reject(error);
    });
    probe.listen(wanted, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : wanted));
    });
  });
}
