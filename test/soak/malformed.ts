import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom, type Random } from "../../src/kernel/index.ts";
import { images } from "../../src/serving/testing/graph-bundle.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { predict, type RunningServer, slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { visitFrames } from "./malformed/frame-visit.ts";
import { visitGrpc } from "./malformed/grpc-visit.ts";
import { leaveHalfRequests } from "./malformed/half-requests.ts";
import { type VisitContext, visitHttp } from "./malformed/http-visit.ts";
import type { KnownAnswer } from "./malformed/requests.ts";
import { Tally } from "./malformed/tally.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "./project.ts";

export interface MalformedOptions {
  readonly requests: number;
  /** The same seed sends the same requests on the same connections. */
  readonly seed: string;
  /** Only this connection, to look into what it found. */
  readonly connection?: number | undefined;
  /** Also waits for the server to give up on bodies of which a part never comes: half a minute. */
  readonly waitsForBodies?: boolean;
}

/** Connections at a time: the server is to be confused, not to be overloaded. */
const CONCURRENCY = 16;
const HALF_REQUESTS = 40;
/** How much more memory a worker may have at the end than after it was warm. */
const SAMPLES_UNTIL_WARM = 240;
const GROWTH = { share: 0.1, bytes: 32 * 1024 * 1024 } as const;

/**
 * Sends damaged requests to both prediction ports, with well-formed ones between them. None may be answered by a 5xx, by
 * something that is no answer, or not at all; the well-formed ones must be answered as before; the worker must be the same
 * process in the end and no larger.
 */
export async function sendMalformedRequests(options: MalformedOptions): Promise<string> {
  const project = writeProject(2_000);
  try {
    await trainChampion(project);
    writeFileSync(join(project.path, "sums.onnx"), images);
    await slipwayJson(["model", "import", "sums.onnx", "--name", "sums"], { cwd: project.path });
    const server = await slipwayUp({
      cwd: project.path,
      args: ["--workers", "1", "--max-workers", "1"],
      // On a busy machine a request may wait; that it is refused then is not what is looked for here.
      env: { SLIPWAY_MAX_QUEUE_WAIT_MS: "60000" },
    });
    try {
      return await campaign(project, server, options);
    } finally {
      await server.stop();
    }
  } finally {
    project.remove();
  }
}

async function campaign(
  project: SoakProject,
  server: RunningServer,
  options: MalformedOptions,
): Promise<string> {
  const { seed, requests, connection } = options;
  const before = await processesOf(project);
  const [worker] = before.filter(({ role }) => role === "worker");
  const context: VisitContext = {
    ...portsOf(server),
    answers: await knownAnswers(server),
    tally: new Tally(),
  };
  const halves = leaveHalves(context, options);
  // It is looked at when the rest is done.
  halves.catch(() => undefined);

  const memory: number[] = [];
  const sampling = setInterval(() => memory.push(residentBytes(worker?.pid)), 500);
  const startedAt = performance.now();
  let sent = 0;
  let next = connection ?? 0;
  const visitor = async (): Promise<void> => {
    while (sent < requests && (connection === undefined || next === connection)) {
      const number = next++;
      try {
        const more = await visitAny(createRandom(`${seed}/${number}`), context);
        sent += more;
      } catch (error) {
        throw new Error(
          `repeat it by --only damaged --seed ${seed} --connection ${number}\n${server.output()}`,
          { cause: error },
        );
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, visitor));
  } finally {
    clearInterval(sampling);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await halves;

  assert.deepEqual(await processesOf(project), before, "a process was started anew");
  assert.doesNotMatch(server.output(), /Warning|Error|at .*:\d+/, "the server complained");
  const growth = checkMemory(memory);
  const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], { cwd: project.path });
  assert.equal(replayed.identical, replayed.predictions, JSON.stringify(replayed.examples[0]));
  const whole = (value: number): string => Math.round(value).toLocaleString("en");
  return `${whole(sent)} requests of seed "${seed}", ${whole(sent / seconds)} a second, 0 crashes, 0 hangs, 0 answers 5xx; ${growth}; ${whole(replayed.identical)} predictions were made and replayed identically\n  ${context.tally.text()}; ${whole(context.tally.closed)} connections closed by the server`;
}

/** What a connection of this number is used for. */
function visitAny(random: Random, context: VisitContext): Promise<number> {
  const kind = random.float();
  if (kind < 0.8) return visitHttp(random, context);
  return kind < 0.87 ? visitGrpc(random, context) : visitFrames(random, context);
}

async function leaveHalves(
  context: VisitContext,
  { seed, connection, waitsForBodies }: MalformedOptions,
): Promise<void> {
  if (connection !== undefined) return;
  const random = createRandom(`${seed}/halves`);
  await Promise.all([
    leaveHalfRequests(random, context, { count: HALF_REQUESTS, stopsIn: "headers" }),
    waitsForBodies && leaveHalfRequests(random, context, { count: HALF_REQUESTS, stopsIn: "body" }),
  ]);
}

async function processesOf(project: SoakProject): Promise<OperationOutput<"status">["processes"]> {
  const { processes } = await slipwayJson<OperationOutput<"status">>(["status"], { cwd: project.path });
  return processes;
}

function portsOf(server: RunningServer): { readonly port: number; readonly grpcPort: number } {
  const line =
    server
      .output()
      .split("\n")
      .find((text) => text.includes('"listening"')) ?? "";
  const { predictions, grpc } = JSON.parse(line) as { predictions: string; grpc: string };
  return { port: Number(new URL(predictions).port), grpcPort: Number(/:(\d+)$/.exec(grpc)?.[1]) };
}

async function knownAnswers(server: RunningServer): Promise<KnownAnswer[]> {
  return await Promise.all(
    Array.from({ length: 40 }, async (_, number) => {
      const record = recordOf(number) as unknown as KnownAnswer["record"];
      const { body } = await predict(server.predictions, model, { instances: [record] });
      return { record, prediction: (body.predictions as readonly number[])[0]! };
    }),
  );
}

function residentBytes(pid: number | undefined): number {
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) * 1024;
}

/** Compares the second fifth of the samples, when everything has been used once, with the last fifth. */
function checkMemory(samples: readonly number[]): string {
  const fifth = Math.floor(samples.length / 5);
  const warm = median(samples.slice(fifth, 2 * fifth));
  const end = median(samples.slice(-fifth));
  const text = `${(warm / 1e6).toFixed(0)} MB resident when warm, ${(end / 1e6).toFixed(0)} MB at the end`;
  // A short campaign ends before the heap has found its size.
  if (samples.length >= SAMPLES_UNTIL_WARM)
    assert.ok(end <= warm * (1 + GROWTH.share) + GROWTH.bytes, `memory grew: ${text}`);
  return text;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}
