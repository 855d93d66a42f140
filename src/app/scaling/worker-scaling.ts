/** When to change the number of workers. */
export interface ScalingLimits {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  /** Start another when the workers use this share of a core each, in (0, 1]. */
  readonly busyCpu: number;
  /** … or when their event loops are this late on average. */
  readonly busyLoopDelayMs: number;
  /** … or when each has this many requests in hand. */
  readonly busyInFlight: number;
  /** Stop one when the others would then use at most this share of a core each, below `busyCpu`. */
  readonly idleCpu: number;
  /** How long they must be busy without a break before another is started. */
  readonly scaleUpAfterMs: number;
  /** How long one must be superfluous without a break before it is stopped. */
  readonly scaleDownAfterMs: number;
}

/** What one worker did since it last reported. */
export interface WorkerLoad {
  /** Processor time ÷ time: 1 is a whole core. */
  readonly cpu: number;
  readonly loopDelayMs: number;
  /** Requests that have arrived and are not answered. */
  readonly inFlight: number;
}

/** The ready workers at one moment. */
export interface LoadSample {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly workers: readonly WorkerLoad[];
}

export type ScalingDecision =
  | { readonly action: "keep" }
  | {
      readonly action: "start" | "stop";
      /** How many there are to be. */
      readonly workers: number;
      readonly reason: string;
    };

const KEEP: ScalingDecision = { action: "keep" };

/**
 * Whether another worker is needed or one is superfluous. One step at a time; after a change only what was seen since
 * counts.
 *
 * @param samples oldest first, each with as many workers as there are; those from before the last change left out
 */
export function decideScaling(limits: ScalingLimits, samples: readonly LoadSample[]): ScalingDecision {
  const count = samples.at(-1)?.workers.length ?? 0;
  if (count === 0) return KEEP;
  if (count < limits.maxWorkers) {
    const recent = within(samples, limits.scaleUpAfterMs);
    const why = recent === undefined ? undefined : busyReason(limits, recent);
    if (why !== undefined) return { action: "start", workers: count + 1, reason: why };
  }
  if (count > limits.minWorkers) {
    const recent = within(samples, limits.scaleDownAfterMs);
    const why = recent === undefined ? undefined : idleReason(limits, recent);
    if (why !== undefined) return { action: "stop", workers: count - 1, reason: why };
  }
  return KEEP;
}

/** The samples of the last `windowMs`, or undefined when they do not reach back that far. */
function within(samples: readonly LoadSample[], windowMs: number): readonly LoadSample[] | undefined {
  const last = samples.at(-1);
  const first = samples[0];
  if (last === undefined || first === undefined || last.at - first.at < windowMs) return undefined;
  return samples.filter(({ at }) => at >= last.at - windowMs);
}

function busyReason(limits: ScalingLimits, samples: readonly LoadSample[]): string | undefined {
  const seconds = formatSeconds(limits.scaleUpAfterMs);
  const least = (pick: (load: WorkerLoad) => number) =>
    Math.min(...samples.map(({ workers }) => mean(workers.map(pick))));
  const cpu = least((load) => load.cpu);
  if (cpu >= limits.busyCpu) {
    return `the workers used at least ${percent(cpu)} of a core each for ${seconds} (limit ${percent(limits.busyCpu)})`;
  }
  const delayMs = least((load) => load.loopDelayMs);
  if (delayMs >= limits.busyLoopDelayMs) {
    return `the event loops of the workers were at least ${delayMs.toFixed(0)} ms late for ${seconds} (limit ${limits.busyLoopDelayMs} ms)`;
  }
  const inFlight = least((load) => load.inFlight);
  if (inFlight >= limits.busyInFlight) {
    return `the workers had at least ${inFlight.toFixed(0)} requests in hand each for ${seconds} (limit ${limits.busyInFlight})`;
  }
  return undefined;
}

function idleReason(limits: ScalingLimits, samples: readonly LoadSample[]): string | undefined {
  let most = 0;
  for (const { workers } of samples) {
    const others = workers.length - 1;
    const cpu = workers.reduce((sum, load) => sum + load.cpu, 0) / others;
    const inFlight = workers.reduce((sum, load) => sum + load.inFlight, 0) / others;
    const delayMs = Math.max(...workers.map((load) => load.loopDelayMs));
    if (cpu > limits.idleCpu || inFlight > limits.busyInFlight / 2 || delayMs >= limits.busyLoopDelayMs)
      return undefined;
    most = Math.max(most, cpu);
  }
  return `one worker fewer would have used at most ${percent(most)} of a core each for ${formatSeconds(limits.scaleDownAfterMs)} (limit ${percent(limits.idleCpu)})`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function formatSeconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`;
}
