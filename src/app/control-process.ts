import { rmSync } from "node:fs";
import { startConsole } from "../http/index.ts";
import { entropy, systemClock } from "../kernel/index.ts";
import { openFileBlobs } from "../storage/index.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { openControlPlane } from "./control-plane.ts";
import { followLogPolicies } from "./follow-log-policies.ts";
import { keepLog } from "./log-keeping.ts";
import { LogUse } from "./log-use.ts";
import { sequence } from "./sequencing.ts";
import { serializeError } from "./serialize-error.ts";
import { openStateDirectory } from "./state-directory.ts";
import type { ChildMessage, ControlOrder } from "./supervisor.ts";

/** The control plane's process: database, console, runners. It ends with its supervisor. */
process.once("message", (order: ControlOrder) => {
  control(order).catch((error: unknown) => {
    tell({ kind: "failed", error: serializeError(error) });
    process.exitCode = 1;
    process.disconnect?.();
  });
});

async function control(order: ControlOrder): Promise<void> {
  const { location } = order;
  const { settings } = location;
  const state = openStateDirectory(location.stateDirectory);
  const startedAt = systemClock();
  const token = settings.token ?? entropy(24).toString("base64url");
  let address: string | null = null;
  const logUse = new LogUse();
  const plane = await openControlPlane(location, {
    logUse,
    server: () => ({
      supervisorPid: order.supervisorPid,
      restarts: order.restarts,
      startedAt,
      console: address,
      predictions: order.predictions,
      grpc: order.grpc,
    }),
    onStop: () => tell({ kind: "stop" }),
  });
  const consolePort = await startConsole({
    handlers: plane.handlers,
    token,
    listen: { host: settings.consoleHost, port: settings.consolePort },
    allowedHosts: settings.allowedHosts,
    clock: systemClock,
    onUnexpectedError: (error, operation) => {
      process.stderr.write(`${operation}: ${error instanceof Error ? error.stack : String(error)}\n`);
    },
  }).catch(async (error: unknown) => {
    await plane.close();
    throw error;
  });
  address = consolePort.url;
  await plane.publishRouting();
  writeFileAtomically(state.control, JSON.stringify({ address: consolePort.url, token, pid: process.pid }));
  tell({ kind: "ready", pid: process.pid, address: consolePort.url });
  const stopping = new AbortController();
  const onProblem = (problem: string): void => void process.stderr.write(`${problem}\n`);
  let sequenced: ReadonlyMap<string, number> = new Map();
  const sequencing = sequence(
    {
      state,
      use: logUse,
      onSequenced: (segments) => {
        sequenced = segments;
      },
      blobs: openFileBlobs(state.blobs),
      clock: systemClock,
      durability: settings.logDurability === "fsync" ? "fsync" : "os",
      onProblem,
    },
    stopping.signal,
  );
  const keeping = keepLog(
    {
      state,
      registry: plane.registry,
      clock: systemClock,
      use: logUse,
      settings,
      policies: followLogPolicies({ state, projectRoot: location.projectRoot, onProblem }),
      sequenced: () => sequenced,
      onProblem,
    },
    stopping.signal,
  );

  const stop = async (): Promise<void> => {
    rmSync(state.control, { force: true });
    stopping.abort();
    await consolePort.close();
    await Promise.all([sequencing, keeping]);
    await plane.close();
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("disconnect", stop);
  process.on("SIGINT", () => undefined);
}

function tell(message: ChildMessage): void {
  if (process.connected) process.send?.(message);
}
