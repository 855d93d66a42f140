import { type ChildProcess, fork } from "node:child_process";
import { type Settings, workerEnvironment } from "../config/index.ts";
import {
  deserializeError,
  type SerializedError,
  siblingModule,
  sleep,
  systemClock,
} from "../kernel/index.ts";
import type { DataPlaneOptions, ImageRules } from "../serving/index.ts";
import { appErrors } from "./errors.ts";
import { type KeptProcess, keepAlive } from "./keep-alive.ts";
import { type BoundSocket, bindSocket } from "./listening-socket.ts";
import { clearMetrics, retireEndedWorkers } from "./metric-files.ts";
import type { ProjectLocation } from "./project-location.ts";
import { type RequestLimits, requestLimits } from "./request-limits.ts";
import { type ObservationOrder, observationOrder } from "./request-observation.ts";
import type { ScalingLimits } from "./scaling/worker-scaling.ts";
import { rememberScaling } from "./scaling-history.ts";
import type { StateDirectory } from "./state-directory.ts";
import { alreadyUp, claim, claimedBy } from "./supervisor-claim.ts";
import type { UpEvent } from "./up.ts";
import { watchControl } from "./watch-control.ts";
import { createWorkerFleet } from "./worker-fleet.ts";
import { isAlive, readWorkerStatuses, type WorkerStatus } from "./worker-status.ts";

/** What a worker is told when it starts, together with the listening handle. */
export interface WorkerOrder {
  readonly stateDirectory: string;
  readonly port: number;
  /** A second message brings the handle for gRPC; null when there is none. */
  readonly grpcPort: number | null;
  readonly restarts: number;
  readonly durability: "os" | "fsync";
  readonly log: Pick<DataPlaneOptions, "maxSegmentBytes" | "maxSegmentMs" | "maxLogBytes" | "onLogFull">;
  readonly limits: RequestLimits;
  readonly images: ImageRules;
  readonly mergedRows: number;
  readonly observation: ObservationOrder;
  /** Whether a worker of this server, or of the one before, has been ready. */
  readonly joinsServing: boolean;
}

/** What the control plane's process is told when it starts. */
export interface ControlOrder {
  readonly location: ProjectLocation;
  readonly supervisorPid: number;
  readonly restarts: number;
  /** Address on which predictions are answered. */
  readonly predictions: string;
  /** `host:port` on which they are answered over gRPC. */
  readonly grpc: string | null;
}

/** What a worker is told while it runs. */
export type WorkerInstruction =
  | {
      readonly kind: "release-connections";
      /** Close so many after their next answer. */
      readonly connections: number;
    }
  /** Comes with the listening handle, right after the order. */
  | { readonly kind: "grpc-handle" };

/** What a child tells its supervisor. */
export type ChildMessage =
  | { readonly kind: "ready"; readonly pid: number; readonly address?: string }
  | { readonly kind: "stop" }
  | { readonly kind: "failed"; readonly error: SerializedError };

export interface SupervisorOptions {
  readonly location: ProjectLocation;
  readonly state: StateDirectory;
  readonly onEvent: (event: UpEvent) => void;
  /** Ask a supervisor that is running for this project to leave its workers to this one. */
  readonly takeOver: boolean;
}

export interface Supervisor {
  readonly predictions: string;
  /** Null while the control plane does not run. */
  readonly console: string | null;
  /** Resolves when the supervisor has been stopped, from here or through the control plane. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/** Tells a supervisor that another one takes over. */
const HAND_OVER = "SIGUSR2";

const READY_MS = 60_000;
/** How often the counts of ended workers are put together. */
const RETIRE_MS = 30_000;
const DRAIN_MS = 10_000;

/**
 * Binds the prediction socket, starts the control plane and the workers, and keeps them running. It owns no state:
 * killing it leaves the workers serving, and the next supervisor takes over from them without a failed request.
 *
 * Where the control plane cannot start for want of its database, the workers serve the last snapshot on disk.
 *
 * @throws APP_ALREADY_UP, APP_PORT_IN_USE, APP_CANNOT_LISTEN, and whatever keeps a first child from becoming ready
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { state } = options;
  const { settings } = options.location;
  if (options.takeOver) await askToHandOver(state);
  const release = claim(state, { handsOver: true });
  const orphans = readWorkerStatuses(state.workers, systemClock);
  if (orphans.length === 0) clearMetrics(state.metrics);
  let hasBeenReady = false;
  const statuses = (): readonly WorkerStatus[] => {
    const workers = readWorkerStatuses(state.workers, systemClock);
    hasBeenReady ||= workers.some(({ isReady }) => isReady);
    return workers;
  };
  const { socket, grpcSocket } = await bindSockets(settings, orphans).catch((error: unknown) => {
    release();
    throw error;
  });
  let control: KeptProcess | undefined;
  const stopped = Promise.withResolvers<void>();
  let stopping: Promise<void> | undefined;

  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      options.onEvent({ kind: "stopping" });
      await Promise.all([control?.stop(DRAIN_MS), fleet.stop()]);
      socket.close();
      grpcSocket?.close();
      release();
      stopped.resolve();
    })();
    return stopping;
  };

  /** Another supervisor takes over: the control plane ends, the workers go on until the new ones answer. */
  const handOver = (): void => {
    stopping ??= (async () => {
      options.onEvent({ kind: "handed-over" });
      await control?.stop(DRAIN_MS);
      fleet.release();
      socket.close();
      grpcSocket?.close();
      release();
      stopped.resolve();
    })();
  };
  process.once(HAND_OVER, handOver);
  void stopped.promise.then(() => process.off(HAND_OVER, handOver));

  const predictions = httpAddress(socket.host, socket.port);
  const grpc = grpcSocket === undefined ? null : hostAndPort(grpcSocket.host, grpcSocket.port);
  const start = (
    role: "control" | "worker",
    spawn: (restarts: number) => ChildProcess,
    onMessage: (message: ChildMessage) => void = () => undefined,
  ): { readonly process: KeptProcess; readonly ready: Promise<string | undefined> } => {
    const ready = Promise.withResolvers<string | undefined>();
    const kept = keepAlive({
      clock: systemClock,
      start: (restarts) => {
        const child = spawn(restarts);
        child.on("message", (message: ChildMessage) => {
          onMessage(message);
          if (message.kind === "ready") {
            kept.noteReady();
            ready.resolve(message.address);
          } else if (message.kind === "failed") ready.reject(deserializeError(message.error));
          else void stop();
        });
        return child;
      },
      onExit: ({ pid, how, delayMs }) => {
        ready.reject(
          appErrors.APP_WORKER_FAILED.error(`a ${role} process ended before it was ready (${how})`),
        );
        options.onEvent({ kind: "exited", role, pid, how, restartInMs: delayMs });
      },
    });
    return { process: kept, ready: inTime(ready.promise, role) };
  };
  const fleet = createWorkerFleet({
    limits: scalingLimits(settings),
    clock: systemClock,
    startWorker: () =>
      start("worker", (restarts) => {
        statuses();
        return spawnWorker(options, { socket, grpcSocket, restarts, joinsServing: hasBeenReady });
      }),
    statuses,
    onScaling: (change) => {
      options.onEvent({ kind: "scaling", ...change });
      rememberScaling(state.scaling, { at: systemClock(), ...change });
    },
    onProblem: (error) => options.onEvent({ kind: "problem", text: String(error) }),
    graceMs: DRAIN_MS,
  });

  const retiring = setInterval(() => {
    retireEndedWorkers(state.metrics, systemClock).catch((error: unknown) =>
      options.onEvent({ kind: "problem", text: `metrics of ended workers: ${String(error)}` }),
    );
  }, RETIRE_MS);
  void stopped.promise.then(() => clearInterval(retiring));

  try {
    const watch = watchControl(options);
    const started = start(
      "control",
      (restarts) => spawnControl(options, { predictions, grpc, restarts }),
      watch.onMessage,
    );
    control = started.process;
    const consoleAddress = await watch.orLastSnapshot(started.ready);
    await fleet.start();
    if (orphans.length > 0)
      drainOrphans(
        orphans.map((orphan) => orphan.pid),
        options.onEvent,
      );
    for (const text of problemsOf(fleet.pids(), state)) options.onEvent({ kind: "problem", text });
    options.onEvent({ kind: "listening", predictions, grpc, console: consoleAddress });
    return { predictions, console: consoleAddress, stopped: stopped.promise, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export function httpAddress(host: string, port: number): string {
  return `http://${hostAndPort(host, port)}`;
}

function hostAndPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function bindSockets(
  { host, port, grpcPort, noGrpc }: Settings,
  orphans: readonly WorkerStatus[],
): Promise<{ readonly socket: BoundSocket; readonly grpcSocket: BoundSocket | undefined }> {
  const socket = await bindSocket(host, port, {
    option: "--port",
    besideOrphans: orphans.some((orphan) => orphan.port === port),
  });
  if (noGrpc) return { socket, grpcSocket: undefined };
  try {
    const besideOrphans = orphans.some((orphan) => orphan.grpcPort === grpcPort);
    return { socket, grpcSocket: await bindSocket(host, grpcPort, { option: "--grpc-port", besideOrphans }) };
  } catch (error) {
    socket.close();
    throw error;
  }
}

function scalingLimits(settings: Settings): ScalingLimits {
  return {
    minWorkers: settings.workers,
    maxWorkers: Math.max(settings.workers, settings.maxWorkers),
    busyCpu: settings.scaleUpCpuPercent / 100,
    busyLoopDelayMs: settings.scaleUpLoopDelayMs,
    busyInFlight: settings.scaleUpInFlight,
    idleCpu: settings.scaleDownCpuPercent / 100,
    scaleUpAfterMs: settings.scaleUpAfterMs,
    scaleDownAfterMs: settings.scaleDownAfterMs,
  };
}

async function askToHandOver(state: StateDirectory): Promise<void> {
  const holder = claimedBy(state);
  if (holder === undefined) return;
  const { pid } = holder;
  // Who holds the state for another reason than to serve does not know the signal.
  if (!holder.handsOver) throw alreadyUp(pid);
  process.kill(pid, HAND_OVER);
  const deadline = systemClock() + READY_MS;
  while (claimedBy(state)?.pid === pid) {
    if (systemClock() > deadline) {
      throw appErrors.APP_ALREADY_UP.error(`the server of this project (process ${pid}) does not hand over`, {
        details: { pid },
        hint: "stop it, or end its process; its workers go on serving until another server takes over",
      });
    }
    await sleep(20);
  }
}

function spawnControl(
  options: SupervisorOptions,
  given: Pick<ControlOrder, "predictions" | "grpc" | "restarts">,
): ChildProcess {
  const child = fork(siblingModule(import.meta.url, "control-process"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const order: ControlOrder = { location: options.location, supervisorPid: process.pid, ...given };
  child.send(order);
  return child;
}

function spawnWorker(
  options: SupervisorOptions,
  {
    socket,
    grpcSocket,
    restarts,
    joinsServing,
  }: {
    readonly socket: BoundSocket;
    readonly grpcSocket: BoundSocket | undefined;
    readonly restarts: number;
    readonly joinsServing: boolean;
  },
): ChildProcess {
  const child = fork(siblingModule(import.meta.url, "worker-process"), {
    env: workerEnvironment(),
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const { settings, projectRoot } = options.location;
  const order: WorkerOrder = {
    observation: observationOrder(settings, projectRoot),
    stateDirectory: options.state.root,
    port: socket.port,
    grpcPort: grpcSocket?.port ?? null,
    restarts,
    joinsServing,
    durability: settings.logDurability === "fsync" ? "fsync" : "os",
    log: {
      maxSegmentBytes: settings.logSegmentBytes,
      maxSegmentMs: settings.logSegmentMs,
      maxLogBytes: settings.logMaxBytes,
      onLogFull: settings.onLogFull === "serve-unlogged" ? "serve-unlogged" : "refuse",
    },
    limits: requestLimits(settings),
    mergedRows: settings.mergedRows,
    images: {
      limits: { maxBytes: settings.maxImageBytes, maxPixels: settings.maxImagePixels },
      storedImages: settings.storedImages,
    },
  };
  child.send(order, socket.handle);
  const instruction: WorkerInstruction = { kind: "grpc-handle" };
  if (grpcSocket !== undefined) child.send(instruction, grpcSocket.handle);
  return child;
}

/** Workers of a supervisor that was killed have served until now; SIGTERM makes them finish what they have in hand. */
function drainOrphans(pids: readonly number[], onEvent: SupervisorOptions["onEvent"]): void {
  onEvent({ kind: "draining-orphans", pids });
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGTERM");
}

/** What workers could not load, each once: they serve the rest. */
function problemsOf(pids: readonly number[], state: StateDirectory): readonly string[] {
  const workers = readWorkerStatuses(state.workers, systemClock).filter(({ pid }) => pids.includes(pid));
  return [...new Set(workers.flatMap(({ problems }) => problems))];
}

async function inTime<Value>(promise: Promise<Value>, role: string): Promise<Value> {
  const timer = new AbortController();
  const late = sleep(READY_MS, timer.signal).then(
    () => {
      throw appErrors.APP_WORKER_FAILED.error(`a ${role} process was not ready within ${READY_MS / 1000} s`);
    },
    () => promise,
  );
  return Promise.race([promise, late]).finally(() => timer.abort());
}
