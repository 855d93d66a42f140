import { fork } from "node:child_process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { deserializeError, siblingModule } from "../kernel/index.ts";
import type { RunEvent } from "../pipeline/index.ts";
import type { SignaturePlace } from "./code-signatures.ts";
import { appErrors } from "./errors.ts";
import type { FromRunner, Job, JobQuestions, JobResults, ToRunner } from "./job.ts";
import { serializeError } from "./serialize-error.ts";

export interface RunJobOptions {
  /** Directory of the blob store. */
  readonly blobs: string;
  /** Of the custom code that may run. Default: none may. */
  readonly signed?: SignaturePlace;
  /** Default: the job has nobody to ask. */
  readonly questions?: JobQuestions;
  readonly onEvent: (event: RunEvent) => void;
  readonly signal?: AbortSignal;
  /** How long what the job itself has started may take to stop, when the job is cancelled. */
  readonly graceMs?: number;
  /** Called with the runner's process id once it runs. */
  readonly onStart?: (pid: number) => void;
}

/** How long a cancelled runner may take to stop by itself. */
const GRACE_MS = 5_000;

/**
 * Runs one job in a process of its own and answers its questions.
 *
 * @throws what the job threw; APP_RUN_FAILED when the process died; the signal's reason when it was cancelled
 */
export async function runJob<Kind extends Job["kind"]>(
  job: Extract<Job, { kind: Kind }>,
  options: RunJobOptions,
): Promise<JobResults[Kind]> {
  options.signal?.throwIfAborted();
  const child = fork(siblingModule(import.meta.url, "runner-process"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const outcome = Promise.withResolvers<JobResults[Kind]>();
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const tell = (message: ToRunner): void => {
    if (child.connected) child.send(message);
  };
  let impatience: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    child.kill("SIGTERM");
    impatience = setTimeout(() => child.kill("SIGKILL"), GRACE_MS + (options.graceMs ?? 0));
  };
  options.signal?.addEventListener("abort", cancel, { once: true });

  child.on("message", (message: FromRunner) => {
    switch (message.kind) {
      case "question":
        answer(options.questions, message).then(
          (value) => tell({ kind: "answer", id: message.id, value }),
          (error: unknown) => tell({ kind: "refusal", id: message.id, error: serializeError(error) }),
        );
        break;
      case "event":
        options.onEvent(message.event);
        break;
      case "result":
        outcome.resolve(message.result as JobResults[Kind]);
        break;
      case "failed":
        outcome.reject(deserializeError(message.error));
        break;
    }
  });
  child.once("error", (error) => outcome.reject(error));
  child.once("exit", (code, signal) => {
    clearTimeout(impatience);
    const how = signal ?? `exit code ${code}`;
    outcome.reject(
      appErrors.APP_RUN_FAILED.error(`the process of the run ended without an answer (${how})`, {
        details: { how },
        ...(signal === "SIGKILL"
          ? { hint: "it was killed; when nobody did that, the machine ran out of memory" }
          : {}),
      }),
    );
  });

  const { blobs, signed } = options;
  tell({ kind: "start", job, blobs, ...(signed === undefined ? {} : { signed }) });
  try {
    return await outcome.promise;
  } catch (error) {
    // A signal to the whole process group has stopped the runner; this process notices its own in the next turn.
    if (appErrors.APP_RUN_CANCELLED.is(error)) await nextTurn();
    // A runner that was told to stop removes what it has half written before it ends.
    if (options.signal?.aborted) await ended;
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    options.signal?.removeEventListener("abort", cancel);
    if (child.connected) child.disconnect();
  }
}

function answer(
  questions: JobQuestions | undefined,
  message: Extract<FromRunner, { kind: "question" }>,
): Promise<unknown> {
  if (questions === undefined) return Promise.reject(new Error("nobody answers this job's questions"));
  const ask = questions[message.question] as (...values: readonly unknown[]) => Promise<unknown>;
  return ask(...message.values);
}
