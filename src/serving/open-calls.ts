import type { Clock } from "../kernel/index.ts";
import { admitCall, type CallLimits } from "./admission.ts";
import { CallPace } from "./call-pace.ts";
import { busy, late, shedError } from "./refusals.ts";
import type { ServedVersion } from "./served-version.ts";

/** The calls of versions that answer later: on threads, after looking into images, or in many turns of the event loop. */
export class OpenCalls {
  readonly #limits: CallLimits;
  readonly #clock: Clock;
  readonly #paces = new WeakMap<ServedVersion, CallPace>();

  /** @param clock monotonic */
  constructor(limits: CallLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Calls, unless there is too much to do already.
   *
   * @param deadline by the clock
   * @throws SERVING_BUSY, SERVING_OVERLOADED, SERVING_DEADLINE_EXCEEDED
   */
  async through<Result>(
    served: ServedVersion,
    deadline: number,
    call: () => Promise<Result>,
  ): Promise<Result> {
    const pace = this.#paces.get(served) ?? new CallPace();
    this.#paces.set(served, pace);
    const startedAt = this.#clock();
    const refusal = admitCall(this.#limits, pace, deadline - startedAt);
    if (refusal === "concurrency") throw busy(served, this.#limits.maxOpenCalls);
    if (refusal !== undefined) throw shedError(served, refusal, pace.waitMs);
    const done = pace.begin(startedAt);
    try {
      return await call();
    } finally {
      done(this.#clock());
    }
  }

  /** To be asked before an answer is logged. @throws SERVING_DEADLINE_EXCEEDED */
  requireInTime({ model }: ServedVersion, deadline: number): void {
    if (this.#clock() > deadline) throw late(model);
  }
}
