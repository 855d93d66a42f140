/** Why a request does not wait, or waited in vain. */
export type QueueRefusal =
  /** It would wait longer than is allowed. */
  | "expected-wait"
  /** Too many wait, or too many bytes. */
  | "queue-full"
  /** Its client would have stopped waiting. */
  | "deadline"
  /** Its client stopped waiting while it was queued. */
  | "expired";

/** Why a request is refused before anything is computed for it; `concurrency`: its model has as many calls open as it may. */
export type ShedReason = QueueRefusal | "concurrency";

/** Bounds on the requests that wait in one worker. */
export interface AdmissionLimits {
  /** Longest that a request may have to wait. Default 50 ms. */
  readonly maxWaitMs: number;
  /** Most requests that wait. Default 10,000. */
  readonly maxQueued: number;
  /** Most bytes of requests that wait. Default 64 MiB. */
  readonly maxQueuedBytes: number;
}

export const DEFAULT_ADMISSION_LIMITS: AdmissionLimits = {
  maxWaitMs: 50,
  maxQueued: 10_000,
  maxQueuedBytes: 64 * 1024 * 1024,
};

/** What waits. */
export interface QueueState {
  readonly queued: number;
  readonly queuedBytes: number;
  /** How long a request that joins now would wait, by all that is known. */
  readonly waitMs: number;
  /** How long there has always been something in the queue. */
  readonly standingMs: number;
}

/** What is known of a request before it is read. */
export interface Arrival {
  readonly bytes: number;
  /** Expected time to compute it; 0 when nothing is known yet. */
  readonly serviceMs: number;
  /** Until its client stops waiting. */
  readonly remainingMs: number;
  /** What it takes to read a request and to refuse it. */
  readonly refusalMs: number;
  /** The client can be made to send more slowly. */
  readonly canBeSlowed: boolean;
}

export type Admission =
  /** `slowDown`: more than should wait do, and clients are to be made to send more slowly. */
  | { readonly outcome: "queued"; readonly slowDown: boolean }
  | { readonly outcome: "shed"; readonly reason: QueueRefusal; readonly retryAfterMs: number };

/** A queue that is never empty for this long is no burst. */
const STANDING_MS = 500;
/** What may wait in a standing queue, as a share of what may wait in a burst: waiting gains nothing there. */
const STANDING_SHARE = 0.4;
/** So many requests may wait however long one takes: without one that waits, the worker would pause between two. */
const LEAST_QUEUED = 3;
/** What is computed in less than so many times the time that a refusal takes is not worth refusing. */
const WORTH_REFUSING = 8;

const QUEUED: Admission = { outcome: "queued", slowDown: false };
const QUEUED_SLOWLY: Admission = { outcome: "queued", slowDown: true };

/**
 * Whether a request that cannot be answered at once joins the queue. As in controlled delay (Nichols and Jacobson, ACM
 * Queue 2012), a burst may fill the queue up to `maxWaitMs`, but where the queue stands, only a part of that: what is
 * accepted is then answered fast, and as much of it.
 */
export function admit(limits: AdmissionLimits, queue: QueueState, arrival: Arrival): Admission {
  const { queued, queuedBytes, waitMs, standingMs } = queue;
  const { serviceMs, remainingMs } = arrival;
  const shed = (reason: QueueRefusal): Admission => ({ outcome: "shed", reason, retryAfterMs: waitMs });
  if (remainingMs <= 0 || waitMs + serviceMs > remainingMs) return shed("deadline");
  if (queued >= limits.maxQueued || queuedBytes + arrival.bytes > limits.maxQueuedBytes)
    return shed("queue-full");
  if (queued < LEAST_QUEUED) return QUEUED;
  const isCheap = arrival.canBeSlowed && serviceMs < arrival.refusalMs * WORTH_REFUSING;
  if (isCheap) return waitMs > limits.maxWaitMs ? QUEUED_SLOWLY : QUEUED;
  const share = standingMs > STANDING_MS ? STANDING_SHARE : 1;
  return waitMs > limits.maxWaitMs * share ? shed("expected-wait") : QUEUED;
}

/** Bounds on the calls that are open for one version which answers later. */
export interface CallLimits extends Pick<AdmissionLimits, "maxWaitMs"> {
  readonly maxOpenCalls: number;
}

/** What is known of the calls of such a version. */
export interface CallState {
  readonly open: number;
  /** How long one more would wait. */
  readonly waitMs: number;
  /** How long it would take then. */
  readonly serviceMs: number;
}

/** Why one more call is refused; undefined when it is not. */
export function admitCall(
  limits: CallLimits,
  { open, waitMs, serviceMs }: CallState,
  remainingMs: number,
): ShedReason | undefined {
  if (open >= limits.maxOpenCalls) return "concurrency";
  if (remainingMs <= 0 || waitMs + serviceMs > remainingMs) return "deadline";
  return waitMs > Math.max(limits.maxWaitMs, LEAST_QUEUED * serviceMs) ? "expected-wait" : undefined;
}

/** `Retry-After`: whole seconds, at least 1. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}
