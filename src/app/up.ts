import type { ProjectLocation } from "./project-location.ts";
import { openStateDirectory } from "./state-directory.ts";
import { startSupervisor } from "./supervisor.ts";

export interface UpOptions extends ProjectLocation {
  /** Aborted when the user wants it to stop. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: UpEvent) => void;
  /** Take over from a server that is running for this project, without a failed request. Default false. */
  readonly takeOver?: boolean;
}

/** What `slipway up` reports while it runs. */
export type UpEvent =
  | {
      /** Everything answers; sent once. */
      readonly kind: "listening";
      readonly predictions: string;
      /** `host:port`; null when gRPC is not answered. */
      readonly grpc: string | null;
      /** Null when the last snapshot on disk is served without a control plane. */
      readonly console: string | null;
    }
  | {
      readonly kind: "exited";
      readonly role: "control" | "worker";
      readonly pid: number;
      /** `SIGKILL`, `exit code 1` */
      readonly how: string;
      readonly restartInMs: number;
    }
  | {
      /** The number of workers follows the load. */
      readonly kind: "scaling";
      readonly action: "started" | "stopping";
      /** How many there are now. */
      readonly workers: number;
      readonly reason: string;
    }
  /** The control plane, which was missing, runs. */
  | { readonly kind: "control-back"; readonly console: string | null }
  | { readonly kind: "draining-orphans"; readonly pids: readonly number[] }
  /** Another supervisor has taken over. */
  | { readonly kind: "handed-over" }
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "stopping" };

/**
 * Runs the supervisor in this process until the signal fires or the control plane is told to stop; resolves when
 * everything has stopped.
 *
 * @throws what keeps it from starting; see `startSupervisor`
 */
export async function runUp(options: UpOptions): Promise<void> {
  const { projectRoot, stateDirectory, settings, signal, onEvent, takeOver = false } = options;
  const supervisor = await startSupervisor({
    location: { projectRoot, stateDirectory, settings },
    state: openStateDirectory(stateDirectory),
    onEvent,
    takeOver,
  });
  const stop = (): void => {
    supervisor.stop().catch((error: unknown) => onEvent({ kind: "problem", text: String(error) }));
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  await supervisor.stopped;
}
