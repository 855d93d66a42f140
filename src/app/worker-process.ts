import type { Server } from "node:net";
import { FeedbackIntake } from "../feedback/index.ts";
import type { GrpcServer } from "../grpc/index.ts";
import { type PredictionServer, startPredictionServer } from "../http/index.ts";
import { systemClock } from "../kernel/index.ts";
import { createDataPlane, type DataPlane, KnownWorkers, type RoutingSnapshot } from "../serving/index.ts";
import { openFileBlobs } from "../storage/index.ts";
import { LiveWindows } from "../stream/index.ts";
import type { RequestObserver } from "../telemetry/index.ts";
import { codeTrust } from "./code-signatures.ts";
import { slipwayVersion } from "./code-version.ts";
import { createLoadMeter } from "./load-meter.ts";
import { readLogPolicies } from "./log-policies.ts";
import { openObserver } from "./request-observation.ts";
import { fileMark, followRoutingFile } from "./routing-file.ts";
import { serializeError } from "./serialize-error.ts";
import { openStateDirectory } from "./state-directory.ts";
import type { ChildMessage, WorkerInstruction, WorkerOrder } from "./supervisor.ts";
import { openWorkerMetrics } from "./worker-metrics.ts";
import {
  HEARTBEAT_MS,
  removeWorkerStatus,
  type WorkerLoadStatus,
  type WorkerStatus,
  writeWorkerStatus,
} from "./worker-status.ts";

/** How often loading is tried again while a bundle of the routing snapshot does not load. */
const RETRY_MS = 5_000;

/**
 * A data-plane process. It is given a listening handle and a state directory, never a database. When its supervisor
 * dies it goes on serving; SIGTERM drains it.
 */
process.once("message", (order: WorkerOrder, handle: unknown) => {
  const grpcHandle = order.grpcPort === null ? undefined : nextHandle();
  serve(order, { handle, grpcHandle }).catch((error: unknown) => {
    send({ kind: "failed", error: serializeError(error) });
    process.exitCode = 1;
    process.disconnect?.();
  });
});

/** The listening handle for gRPC comes in a message of its own: one message carries one handle. */
function nextHandle(): Promise<unknown> {
  return new Promise((resolve) => {
    process.once("message", (_instruction: WorkerInstruction, handle: unknown) => resolve(handle));
  });
}

interface Handles {
  readonly handle: unknown;
  readonly grpcHandle: Promise<unknown> | undefined;
}

async function serve(order: WorkerOrder, { handle, grpcHandle }: Handles): Promise<void> {
  const state = openStateDirectory(order.stateDirectory);
  const startedAt = systemClock();
  const windows = new LiveWindows({
    directory: state.stream,
    checkpoints: state.windows,
    sequencerStatus: state.sequencer,
    clock: systemClock,
  });
  const dataPlane = createDataPlane({
    blobs: openFileBlobs(state.blobs),
    windows,
    trust: codeTrust(state),
    logDirectory: state.log,
    clock: systemClock,
    durability: order.durability,
    ...order.log,
    images: order.images,
    mergedRows: order.mergedRows,
    ...order.limits.dataPlane,
    joinsServing: order.joinsServing,
  });
  const workers = new KnownWorkers(state.log, systemClock);
  const feedback = new FeedbackIntake({
    directory: state.feedback,
    clock: systemClock,
    incarnation: dataPlane.incarnation,
    mayBeKnown: (id) => workers.mayHaveMade(id),
    durability: order.durability,
  });
  const stopping = new AbortController();
  let problems: readonly string[] = [];
  let phase: WorkerStatus["state"] = "starting";

  const meter = createLoadMeter();
  let server: PredictionServer | undefined;

  let load: WorkerLoadStatus = {
    cpu: 0,
    loopDelayMs: 0,
    requests: 0,
    inFlight: 0,
    connections: 0,
    residentBytes: 0,
  };
  const metrics = openWorkerMetrics({
    directory: state.metrics,
    incarnation: dataPlane.incarnation,
    startedAt,
    clock: systemClock,
    samples: () => server?.samples() ?? [],
    // Serving does not depend on it.
    onProblem: (problem) =>
      process.stderr.write(`the metrics of this worker cannot be written: ${String(problem)}\n`),
    load: () => load,
  });

  const observer = openObserver(order.observation, (problem) => process.stderr.write(`${problem}\n`));

  const report = (): void => {
    const { requests, inFlight, connections } = server?.load() ?? {
      requests: 0,
      inFlight: 0,
      connections: 0,
    };
    load = { ...meter.read(), requests, inFlight, connections, residentBytes: process.memoryUsage.rss() };
    writeWorkerStatus(state.workers, {
      pid: process.pid,
      port: order.port,
      incarnation: dataPlane.incarnation,
      grpcPort: order.grpcPort,
      startedAt,
      restarts: order.restarts,
      writtenAt: systemClock(),
      state: phase,
      isReady: phase === "ready" && dataPlane.ready(),
      generation: dataPlane.generation(),
      predictions: dataPlane.predictionCount(),
      load,
      models: dataPlane.models(),
      stream: dataPlane.streamProgress() ?? null,
      problems,
    });
  };

  // From now on its segments are known to be somebody's.
  report();
  let policiesSeen = "";
  const takeUpPolicies = (): void => {
    const mark = fileMark(state.logPolicies);
    if (mark === policiesSeen) return;
    policiesSeen = mark;
    dataPlane.sample(readLogPolicies(state.logPolicies)?.sample ?? new Map());
  };
  takeUpPolicies();
  const current = Promise.withResolvers<void>();
  let lastRouting: RoutingSnapshot | undefined;
  const apply = async (routing: RoutingSnapshot): Promise<void> => {
    lastRouting = routing;
    problems = (await dataPlane.apply(routing)).problems;
    report();
  };
  // What is published from now on waits for this worker, because its status is there; what was published before, it serves.
  const follower = { onChange: apply, onCurrent: () => current.resolve() };
  const following = followRoutingFile(state.routing, follower, stopping.signal);
  // A worker that no longer hears of deployments must not go on as if it did: it ends, and is started again.
  following.catch((error: unknown) => {
    process.stderr.write(`the worker cannot follow ${state.routing}: ${String(error)}\n`);
    process.exit(1);
  });
  await current.promise;
  const followingStream = windows.follow(stopping.signal);

  const listening = await startPredictionServer({
    dataPlane,
    feedback,
    listen: { handle: handle as Server },
    metrics: () => metrics.exposition(),
    observer,
    limits: order.limits.http,
    serverVersion: slipwayVersion,
  });
  server = listening;
  const grpc =
    grpcHandle === undefined ? undefined : await answerGrpc({ dataPlane, order, observer }, await grpcHandle);
  process.on("message", (instruction: WorkerInstruction) => {
    if (instruction.kind === "release-connections") listening.releaseConnections(instruction.connections);
  });
  phase = "ready";
  report();
  const heartbeat = setInterval(() => {
    report();
    takeUpPolicies();
    void metrics.write();
  }, HEARTBEAT_MS);
  // A bundle that could not be read may have been put back since.
  const retry = setInterval(() => {
    if (problems.length > 0 && lastRouting !== undefined) void apply(lastRouting);
  }, RETRY_MS);
  send({ kind: "ready", pid: process.pid });

  const drain = async (): Promise<void> => {
    if (phase === "draining") return;
    phase = "draining";
    report();
    // Until its last connection has ended, it answers with what is current.
    await Promise.all([listening.close(), grpc?.close()]);
    stopping.abort();
    feedback.close();
    await followingStream;
    windows.close();
    await dataPlane.close();
    clearInterval(heartbeat);
    clearInterval(retry);
    await observer?.close();
    await metrics.write();
    removeWorkerStatus(state.workers, process.pid);
    process.exit(0);
  };
  process.on("SIGTERM", drain);
  process.on("SIGINT", () => undefined);
}

async function answerGrpc(
  given: {
    readonly dataPlane: DataPlane;
    readonly order: WorkerOrder;
    readonly observer: RequestObserver | undefined;
  },
  handle: unknown,
): Promise<GrpcServer> {
  const { dataPlane, order, observer } = given;
  // Loaded only where it is used: it takes a tenth of a second.
  const { startGrpcServer } = await import("../grpc/index.ts");
  return await startGrpcServer({
    dataPlane,
    observer,
    listen: { handle: handle as Server },
    ...order.limits.grpc,
    serverVersion: slipwayVersion,
  });
}

function send(message: ChildMessage): void {
  if (process.connected) process.send?.(message);
}
