import { deserializeError, SlipwayError, sleep } from "../kernel/index.ts";
import { storageErrors } from "../storage/index.ts";
import { appErrors } from "./errors.ts";
import { publishedGeneration } from "./routing-file.ts";
import type { ChildMessage, SupervisorOptions } from "./supervisor.ts";

/** How long workers wait for a control plane that neither answers nor fails, where there is a snapshot to serve. */
const PATIENCE_MS = 5_000;

/** What keeps a control plane from starting and does not concern the workers. */
const MISSING_DATABASE = [
  appErrors.APP_DATABASE_BEHIND,
  appErrors.APP_WORKER_FAILED,
  storageErrors.STORAGE_DATABASE_UNREACHABLE,
  storageErrors.STORAGE_DATABASE_DAMAGED,
  storageErrors.STORAGE_DATABASE_BUSY,
  storageErrors.STORAGE_DISK_FULL,
  storageErrors.STORAGE_IO,
];

export interface ControlWatch {
  /** To be told of every message of a control plane's process. */
  readonly onMessage: (message: ChildMessage) => void;
  /**
   * Waits for the first control plane.
   *
   * @returns the address of its console, or null where it does not run and a snapshot on disk is to be served without it
   * @throws what keeps it from starting, where there is no such snapshot or the settings are wrong
   */
  orLastSnapshot(ready: Promise<string | undefined>): Promise<string | null>;
}

/** Reports what becomes of a control plane that was not there when the workers started. */
export function watchControl({ state, onEvent }: Pick<SupervisorOptions, "state" | "onEvent">): ControlWatch {
  let missing = false;
  let complaint = "";
  const complain = (reason: string): void => {
    // It is started again and again, and would say the same each time.
    if (reason === complaint) return;
    complaint = reason;
    const generation = publishedGeneration(state.routing);
    onEvent({
      kind: "problem",
      text: `THERE IS NO CONTROL PLANE: ${reason}. Generation ${generation} is served from the last snapshot on disk; nothing can be deployed or trained through this server until the control plane starts, which is tried again and again`,
    });
  };
  return {
    onMessage: (message) => {
      if (!missing) return;
      if (message.kind === "failed") complain(deserializeError(message.error).message);
      if (message.kind !== "ready") return;
      missing = false;
      complaint = "";
      onEvent({ kind: "control-back", console: message.address ?? null });
    },
    orLastSnapshot: async (ready) => {
      if (publishedGeneration(state.routing) === 0) return (await ready) ?? null;
      const patience = new AbortController();
      const late = sleep(PATIENCE_MS, patience.signal).then(
        () => "late" as const,
        () => "late" as const,
      );
      try {
        const first = await Promise.race([ready, late]);
        if (first !== "late") return first ?? null;
        // What it says later is in its messages.
        ready.catch(() => undefined);
        missing = true;
        complain(`it is not ready after ${PATIENCE_MS / 1000} s`);
      } catch (thrown) {
        if (!(thrown instanceof SlipwayError) || !MISSING_DATABASE.some((code) => code.is(thrown)))
          throw thrown;
        missing = true;
        complain(thrown.message);
      } finally {
        patience.abort();
      }
      return null;
    },
  };
}
