import type { ProjectLocation } from "../app/index.ts";
import type { Settings } from "../config/index.ts";
import type { ControlClient, OperationName, OperationOutput, OperationRequest } from "../wire/index.ts";
import { connect, locateProject, type OpenedControlPlane } from "./connect.ts";
import { openProgress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. */
export interface Session {
  readonly settings: Settings;
  readonly terminal: Terminal;
  /** True when the answer is for a program. */
  readonly json: boolean;
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal;
  /** @throws CLI_NO_PROJECT */
  project(): ProjectLocation;
  /** The control plane, opened at the first use and closed with the session. */
  client(): Promise<ControlClient>;
  /** Calls an operation and shows its progress on stderr; `label` says what is going on until it says so itself. */
  call<Name extends OperationName>(
    operation: Name,
    input: OperationRequest<Name>,
    label?: string,
  ): Promise<OperationOutput<Name>>;
  close(): Promise<void>;
}

export function openSession(given: {
  readonly settings: Settings;
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly signal: AbortSignal;
}): Session {
  const { settings, terminal, signal } = given;
  let opened: Promise<OpenedControlPlane> | undefined;
  const client = async (): Promise<ControlClient> => {
    opened ??= connect(settings);
    return (await opened).client;
  };
  return {
    ...given,
    project: () => locateProject(settings),
    client,
    call: async (operation, input, label = "working") => {
      const progress = openProgress({ err: terminal.err, label });
      try {
        return await (await client()).call(operation, input, { onProgress: progress.onProgress, signal });
      } finally {
        progress.close();
      }
    },
    close: async () => {
      if (opened === undefined) return;
      const [result] = await Promise.allSettled([opened]);
      if (result.status === "fulfilled") await result.value.close();
    },
  };
}
