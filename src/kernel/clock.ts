/** Milliseconds since 1970-01-01 UTC. Everything that needs the time takes one of these. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** Milliseconds from an arbitrary start that never go back: for durations and deadlines. */
export const monotonicMs: Clock = () => performance.now();

/** Resolves after `ms` milliseconds, or rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
