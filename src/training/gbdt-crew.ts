import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { siblingModule } from "../kernel/index.ts";
import { trainingErrors } from "./errors.ts";
import { CONTROL_BYTES, FAILURE_BYTES } from "./gbdt-memory.ts";
import { createGbdtThread, type Step, type TrainingPlan } from "./gbdt-thread.ts";
import { STEP_DOUBLES, writeStep } from "./step-message.ts";

/** The threads of one training: the calling one and `layout.threads − 1` workers. */
export interface Crew {
  readonly threads: number;
  /**
   * Runs a step on the calling thread and the next `step.parts − 1`, and waits for all of them, blocking.
   *
   * @returns what each part returned
   * @throws TRAINING_WORKER_FAILED
   */
  run(step: Step): Float64Array;
}

/** Worker threads that have been started and wait for a plan. */
export interface Recruits {
  /** @throws TRAINING_WORKER_FAILED when a thread did not start */
  enlist(plan: TrainingPlan): Promise<Crew>;
  close(): Promise<void>;
}

/** Words of the control block. */
const ORDER = 0;
const DONE = 1;
const FAILED = 2;
const WORDS = 16;
/**
 * How often a waiting thread looks before it goes to sleep, for about as long as waking up takes. More would be quicker
 * on idle processors, but takes time from others on busy ones, possibly from the thread that is waited for.
 */
const LOOKS = 1000;

/**
 * What main and workers talk through. The main thread writes a step, then counts up ORDER; every worker runs its part
 * (if it has one), writes its result and counts up DONE.
 */
export interface ControlBlock {
  readonly words: Int32Array;
  readonly step: Float64Array;
  readonly results: Float64Array;
  readonly failure: Uint8Array;
}

export function controlBlock({ memory, layout }: TrainingPlan): ControlBlock {
  const { buffer } = memory;
  const doubles = layout.control + WORDS * 4;
  // A step's own numbers, and one for each thread.
  const stepDoubles = STEP_DOUBLES + layout.threads;
  const most = (CONTROL_BYTES - WORDS * 4) / 8;
  return {
    words: new Int32Array(buffer, layout.control, WORDS),
    step: new Float64Array(buffer, doubles, stepDoubles),
    results: new Float64Array(buffer, doubles + 8 * stepDoubles, most - stepDoubles),
    failure: new Uint8Array(buffer, layout.failure, FAILURE_BYTES),
  };
}

/** Starts `threads − 1` workers, which takes a few tens of milliseconds in which the calling thread can prepare. */
export function recruit(threads: number): Recruits {
  const workers = Array.from(
    { length: threads - 1 },
    (_, i) =>
      new Worker(siblingModule(import.meta.url, "gbdt-worker"), { name: `gbdt ${i + 1}`, execArgv: [] }),
  );
  return {
    async enlist(plan) {
      const crew = createCrew(plan);
      try {
        // A worker says one word when it listens; if it cannot start, `once` rejects with its error.
        const listening = workers.map((worker) => once(worker, "message"));
        for (const [i, worker] of workers.entries()) worker.postMessage({ plan, thread: i + 1 });
        await Promise.all(listening);
      } catch (cause) {
        throw trainingErrors.TRAINING_WORKER_FAILED.error(
          `a thread of the trainer did not start: ${String(cause)}`,
          { cause },
        );
      }
      return crew;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function createCrew(plan: TrainingPlan): Crew {
  const { threads } = plan.layout;
  const control = controlBlock(plan);
  const own = createGbdtThread(plan, 0);
  return {
    threads,
    run(step) {
      if (step.parts > 1) {
        writeStep(step, control.step);
        Atomics.store(control.words, DONE, 0);
        Atomics.add(control.words, ORDER, 1);
        Atomics.notify(control.words, ORDER);
      }
      control.results[0] = own.run(step);
      if (step.parts > 1) {
        awaitWorkers(control.words, threads - 1);
        const failed = Atomics.load(control.words, FAILED);
        if (failed !== 0) {
          const why = new TextDecoder().decode(control.failure.slice()).replace(/\0.*/, "");
          throw trainingErrors.TRAINING_WORKER_FAILED.error(
            `thread ${failed} of the trainer failed in step "${step.kind}": ${why}`,
          );
        }
      }
      return control.results;
    },
  };
}

function awaitWorkers(words: Int32Array, count: number): void {
  for (let look = 0; look < LOOKS; look++) if (Atomics.load(words, DONE) === count) return;
  for (;;) {
    const done = Atomics.load(words, DONE);
    if (done === count) return;
    Atomics.wait(words, DONE, done);
  }
}

/** For workers: the number of the latest order. */
export function latestOrder(words: Int32Array): number {
  return Atomics.load(words, ORDER);
}

/** For workers: waits until there is an order newer than `seen`, and returns its number. */
export function awaitOrder(words: Int32Array, seen: number): number {
  for (let look = 0; look < LOOKS; look++) {
    const order = Atomics.load(words, ORDER);
    if (order !== seen) return order;
  }
  for (;;) {
    Atomics.wait(words, ORDER, seen);
    const order = Atomics.load(words, ORDER);
    if (order !== seen) return order;
  }
}

/** For workers: the part is done, or has failed. */
export function reportDone(control: ControlBlock, failed?: { thread: number; error: unknown }): void {
  if (failed !== undefined) {
    const why = new TextEncoder().encode(String(failed.error)).subarray(0, FAILURE_BYTES - 1);
    control.failure.set(why);
    Atomics.store(control.words, FAILED, failed.thread);
  }
  Atomics.add(control.words, DONE, 1);
  Atomics.notify(control.words, DONE);
}
