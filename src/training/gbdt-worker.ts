import { parentPort } from "node:worker_threads";
import { awaitOrder, controlBlock, latestOrder, reportDone } from "./gbdt-crew.ts";
import { createGbdtThread, type TrainingPlan } from "./gbdt-thread.ts";
import { readStep } from "./step-message.ts";

/** A worker thread of a training; it runs until it is terminated. */
function work({ plan, thread }: { readonly plan: TrainingPlan; readonly thread: number }): void {
  const control = controlBlock(plan);
  const own = createGbdtThread(plan, thread);
  let seen = latestOrder(control.words);
  parentPort?.postMessage("listening");
  for (;;) {
    seen = awaitOrder(control.words, seen);
    try {
      const step = readStep(control.step);
      if (thread < step.parts) control.results[thread] = own.run(step);
      reportDone(control);
    } catch (error) {
      // The main thread is blocked until every worker has reported: it throws what it reads there.
      reportDone(control, { thread, error });
    }
  }
}

parentPort?.once("message", work);
