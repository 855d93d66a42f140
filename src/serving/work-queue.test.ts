import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AdmissionLimits, DEFAULT_ADMISSION_LIMITS, type QueueRefusal } from "./admission.ts";
import { LEAST_OBSERVED, ServicePace } from "./service-pace.ts";
import { type Brake, type Work, WorkQueue } from "./work-queue.ts";

/** An event loop whose clock goes on only while something is computed. */
class Loop {
  now = 1_000;
  readonly queue: WorkQueue;
  readonly done: string[] = [];
  turns = 0;
  #next: (() => void)[] = [];

  constructor(limits: Partial<AdmissionLimits> = {}) {
    this.queue = new WorkQueue({
      limits: { ...DEFAULT_ADMISSION_LIMITS, ...limits },
      clock: () => this.now,
      nextTurn: (callback) => this.#next.push(callback),
    });
  }

  submit(name: string, { tookMs, ...given }: Partial<Work> & { readonly tookMs: number }): void {
    this.queue.submit({
      bytes: 100,
      pace: new ServicePace(),
      since: this.now,
      deadline: this.now + 30_000,
      canBeSlowed: false,
      wanted: () => true,
      run: () => {
        this.now += tookMs;
        this.done.push(name);
      },
      shed: (reason: QueueRefusal) => this.done.push(`${name}: ${reason}`),
      ...given,
    });
  }

  /** False when nothing is to be done in it. */
  turn(): boolean {
    const callbacks = this.#next.splice(0);
    if (callbacks.length === 0) return false;
    this.turns++;
    for (const callback of callbacks) callback();
    return true;
  }

  finish(): void {
    while (this.turn());
  }
}

function paceOf(milliseconds: number): ServicePace {
  const pace = new ServicePace();
  for (let i = 0; i < LEAST_OBSERVED; i++) pace.observe(100, milliseconds);
  return pace;
}

describe("requests for the event loop", () => {
  it("are computed at once while the loop keeps up", () => {
    const loop = new Loop();
    for (let turn = 0; turn < 10; turn++) {
      loop.submit(`${turn}`, { tookMs: 3 });
      expect(loop.done).toHaveLength(turn + 1);
      loop.queue.endTurn();
    }
    expect(loop.turns).toBe(0);
  });

  it("wait when one turn brings more than is computed in one, and are computed in their order, some in each turn", () => {
    const loop = new Loop();
    for (let i = 0; i < 9; i++) loop.submit(`${i}`, { tookMs: 2 });
    expect(loop.done).toEqual(["0", "1"]);
    expect(loop.queue.length).toBe(7);
    loop.turn();
    expect(loop.done).toEqual(["0", "1", "2", "3"]);
    loop.submit("9", { tookMs: 2 });
    loop.finish();
    expect(loop.done).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    expect(loop.queue.length).toBe(0);
    expect(loop.queue.waitMs).toBe(0);
  });

  it("wait when they are submitted by what is computed", () => {
    const loop = new Loop();
    const chain = (left: number): void => {
      loop.done.push(`${left}`);
      if (left > 0) loop.submit("", { tookMs: 0, run: () => chain(left - 1) });
    };
    loop.submit("", { tookMs: 0, run: () => chain(20_000) });
    loop.finish();
    expect(loop.done).toHaveLength(20_001);
  });

  it("are refused when they would wait too long", () => {
    const loop = new Loop({ maxWaitMs: 10 });
    const pace = paceOf(4);
    for (let i = 0; i < 6; i++) loop.submit(`${i}`, { tookMs: 4, pace });
    expect(loop.done).toEqual(["0", "4: expected-wait", "5: expected-wait"]);
    loop.finish();
    expect(loop.done.slice(3)).toEqual(["1", "2", "3"]);
  });

  it("are not computed when their client stopped waiting, or has gone", () => {
    const loop = new Loop();
    loop.submit("first", { tookMs: 100 });
    loop.submit("slow", { tookMs: 100 });
    loop.submit("late", { tookMs: 1, deadline: loop.now + 50 });
    loop.submit("gone", { tookMs: 1, wanted: () => false });
    loop.finish();
    expect(loop.done).toEqual(["first", "slow", "late: expired"]);
  });

  it("take a share of the time into account that is not spent on them", () => {
    const loop = new Loop();
    const pace = paceOf(4);
    for (let i = 0; i < 200; i++) {
      loop.submit(`${i}`, { tookMs: 4, pace });
      loop.submit(`${i}'`, { tookMs: 4, pace });
      loop.turn();
      // Reading sockets takes as long again.
      loop.now += 4;
    }
    expect(loop.queue.waitMs / (loop.queue.length * 4)).toBeCloseTo(2, 1);
  });

  it("are slowed down where they are cheap, until the queue is short again", () => {
    const loop = new Loop({ maxWaitMs: 1 });
    let stopped = 0;
    const brake: Brake = {
      engage: () => {
        stopped = 3;
      },
      release: () => --stopped > 0,
    };
    loop.queue.attach(brake);
    const pace = paceOf(0.05);
    loop.submit("long", { tookMs: 5, pace: paceOf(5) });
    for (let i = 0; i < 30; i++) loop.submit(`${i}`, { tookMs: 0.05, pace, canBeSlowed: true });
    expect(stopped).toBe(3);
    loop.finish();
    expect(stopped).toBe(0);
    expect(loop.done).toHaveLength(31);
  });

  it("are each computed or refused once, in the order in which they came", () => {
    const works = fc.array(
      fc.record({
        tookMs: fc.double({ min: 0.01, max: 20, noNaN: true }),
        waitsMs: fc.integer({ min: 1, max: 200 }),
        arrivesInTurn: fc.nat(20),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(works, (given) => {
        const loop = new Loop();
        const pace = new ServicePace();
        const inOrder = given.toSorted((a, b) => a.arrivesInTurn - b.arrivesInTurn);
        let turn = 0;
        for (const [at, { tookMs, waitsMs, arrivesInTurn }] of inOrder.entries()) {
          for (; turn < arrivesInTurn; turn++) {
            loop.queue.endTurn();
            loop.turn();
          }
          loop.submit(`${at}`, { tookMs, pace, deadline: loop.now + waitsMs });
        }
        loop.finish();
        const names = loop.done.map((name) => Number(name.split(":")[0]));
        expect(names.toSorted((a, b) => a - b)).toEqual(given.map((_, at) => at));
        const computed = loop.done.filter((name) => !name.includes(":")).map(Number);
        expect(computed).toEqual(computed.toSorted((a, b) => a - b));
      }),
    );
  });
});
