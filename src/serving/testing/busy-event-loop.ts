import { monotonicMs } from "../../kernel/index.ts";
import { LEAST_OBSERVED, ServicePace } from "../service-pace.ts";
import type { WorkQueue } from "../work-queue.ts";

/** So often observed that it is known. */
export function learn(
  pace: ServicePace,
  { bytes, milliseconds }: { readonly bytes: number; readonly milliseconds: number },
): void {
  for (let answered = 0; answered < LEAST_OBSERVED; answered++) pace.observe(bytes, milliseconds);
}

/** Keeps the event loop busy with requests of 10 ms, three of which always wait, until the answer has come. */
export async function whileBusy<Result>(
  { queue }: { readonly queue: WorkQueue },
  ask: () => Promise<Result>,
  pace: ServicePace = new ServicePace(),
): Promise<Result> {
  let asking = true;
  learn(pace, { bytes: 0, milliseconds: 10 });
  const compute = (then: () => void): void =>
    queue.submit({
      bytes: 0,
      pace,
      since: monotonicMs(),
      deadline: Number.POSITIVE_INFINITY,
      canBeSlowed: false,
      wanted: () => true,
      run: () => {
        const until = monotonicMs() + 10;
        while (monotonicMs() < until);
        then();
      },
      shed: () => setImmediate(then),
    });
  const keepBusy = (): void => {
    if (asking) compute(keepBusy);
  };
  compute(() => undefined);
  for (let waiting = 0; waiting < 3; waiting++) keepBusy();
  try {
    return await ask();
  } finally {
    asking = false;
    while (queue.length > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
