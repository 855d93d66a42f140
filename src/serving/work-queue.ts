import type { Clock } from "../kernel/index.ts";
import { type AdmissionLimits, admit, type QueueRefusal } from "./admission.ts";
import { type ServicePace, smoothed } from "./service-pace.ts";

/** A request whose model runs on the event loop. Exactly one of `run`, `shed` and nothing at all (when it is not wanted) happens. */
export interface Work {
  readonly bytes: number;
  readonly pace: ServicePace;
  /** When it had arrived whole, by the queue's clock. */
  readonly since: number;
  /** When its client stops waiting, by the queue's clock. */
  readonly deadline: number;
  /** Its client sends through a `Brake`. */
  readonly canBeSlowed: boolean;
  /** False once its client has gone. */
  wanted(): boolean;
  /** Computes and answers; throws nothing. */
  run(): void;
  shed(reason: QueueRefusal, retryAfterMs: number): void;
}

/** What keeps clients from sending more while too much waits. */
export interface Brake {
  /** Reads from nobody until `release`. */
  engage(): void;
  /** Reads from a few more; false when it reads from all. */
  release(): boolean;
}

export interface WorkQueueOptions {
  readonly limits: AdmissionLimits;
  readonly clock: Clock;
  /** Calls back in the next turn of the event loop, when sockets have been read. */
  readonly nextTurn: (callback: () => void) => void;
}

/** Computing may take this much of a turn; then sockets are read again. */
const SLICE_MS = 4;
/** The time that passes for each millisecond of computing is never taken for more than this. */
const MOST_DRAG = 10;
const LARGEST_GAP = 1_024;
/** Until it has been measured. */
const USUAL_REFUSAL_MS = 0.02;

/**
 * The requests that wait for the event loop. As long as the loop keeps up, a request is computed in the turn in which it
 * arrived and nothing waits. Otherwise requests wait here and are computed in slices, between which sockets are read, so
 * that one that comes too late is refused at once.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #brakes = new Set<Brake>();
  #waiting: (Work | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  /** Expected time to compute what waits. */
  #backlogMs = 0;
  /** Estimates of what waits, in the same places. */
  #estimates: number[] = [];
  /** Milliseconds that pass for each millisecond of computing that was expected. */
  #drag = 1;
  /** What it takes to read a request and to refuse it. */
  #refusalMs = USUAL_REFUSAL_MS;
  /** Requests that came since the last slice. */
  #arrivals = 0;
  #sliceEndedAt = 0;
  #spentMs = 0;
  #standingSince = 0;
  #scheduled = false;
  #braking = false;
  /** When the last slice began, while there has been work ever since. */
  #lastSlice: { readonly at: number; readonly expectedMs: number } | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Requests that wait. */
  get length(): number {
    return this.#waiting.length - this.#head;
  }

  /** How long a request that came now would wait, in milliseconds. */
  get waitMs(): number {
    return this.#backlogMs * this.#drag;
  }

  attach(brake: Brake): void {
    this.#brakes.add(brake);
  }

  detach(brake: Brake): void {
    this.#brakes.delete(brake);
  }

  /** Computes it now, later, or never; see `Work`. */
  submit(work: Work): void {
    const spentMs = this.#spentMs;
    if (this.length > 0 || spentMs >= SLICE_MS || work.since >= work.deadline) {
      this.#enqueue(work);
      return;
    }
    // What is submitted while something is computed waits.
    this.#spentMs = SLICE_MS;
    this.#spentMs = spentMs + this.#run(work, work.since) - work.since;
  }

  /** To be called at the end of a turn in which something was computed: the next one has a slice of its own. */
  endTurn(): void {
    this.#spentMs = 0;
  }

  #enqueue(work: Work): void {
    this.#arrivals++;
    const { limits } = this.#options;
    const { bytes, since, deadline, canBeSlowed } = work;
    const queued = this.length;
    const serviceMs = work.pace.estimate(bytes);
    const state = {
      queued,
      queuedBytes: this.#bytes,
      waitMs: this.waitMs,
      standingMs: queued === 0 ? 0 : since - this.#standingSince,
    };
    const admission = admit(limits, state, {
      bytes,
      serviceMs,
      remainingMs: deadline - since,
      refusalMs: this.#refusalMs,
      canBeSlowed,
    });
    if (admission.outcome === "shed") {
      work.shed(admission.reason, admission.retryAfterMs);
      return;
    }
    if (queued === 0) this.#standingSince = since;
    this.#waiting.push(work);
    this.#estimates.push(serviceMs);
    this.#bytes += bytes;
    this.#backlogMs += serviceMs;
    this.#schedule();
    if (admission.slowDown && !this.#braking) {
      this.#braking = true;
      for (const brake of this.#brakes) brake.engage();
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.nextTurn(this.#slice);
  }

  readonly #slice = (): void => {
    this.#scheduled = false;
    const startedAt = this.#options.clock();
    const last = this.#lastSlice;
    if (last !== undefined && last.expectedMs > 0) {
      const drag = (startedAt - last.at) / last.expectedMs;
      this.#drag = smoothed(this.#drag, Math.min(MOST_DRAG, Math.max(1, drag)));
      // Between two slices requests are read, and refused or queued.
      if (this.#arrivals > 0)
        this.#refusalMs = smoothed(this.#refusalMs, (startedAt - this.#sliceEndedAt) / this.#arrivals);
    }
    this.#arrivals = 0;
    const backlogMs = this.#backlogMs;
    let now = startedAt;
    while (this.length > 0 && now - startedAt < SLICE_MS) now = this.#next(now);
    this.#spentMs = now - startedAt;
    this.#sliceEndedAt = now;
    this.#lastSlice =
      this.length > 0 ? { at: startedAt, expectedMs: backlogMs - this.#backlogMs } : undefined;
    if (this.#braking && this.waitMs < this.#options.limits.maxWaitMs / 2) this.#braking = this.#letGo();
    if (this.length > 0 || this.#braking) this.#schedule();
  };

  /** True while a brake still holds somebody. */
  #letGo(): boolean {
    let holds = false;
    for (const brake of this.#brakes) if (brake.release()) holds = true;
    return holds;
  }

  /** Answers the time after it. */
  #next(now: number): number {
    const work = this.#waiting[this.#head]!;
    this.#waiting[this.#head] = undefined;
    this.#bytes -= work.bytes;
    this.#backlogMs -= this.#estimates[this.#head]!;
    this.#head++;
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#estimates.length = 0;
      this.#head = 0;
      this.#backlogMs = 0;
    } else if (this.#head >= LARGEST_GAP && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#estimates = this.#estimates.slice(this.#head);
      this.#head = 0;
    }
    if (!work.wanted()) return now;
    if (now < work.deadline) return this.#run(work, now);
    work.shed("expired", this.waitMs);
    return now;
  }

  /** Answers the time after it. */
  #run(work: Work, startedAt: number): number {
    work.run();
    const endedAt = this.#options.clock();
    work.pace.observe(work.bytes, endedAt - startedAt);
    return endedAt;
  }
}
