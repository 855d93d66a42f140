import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balanceConnections } from "./connection-balance.ts";

describe("connections", () => {
  it("are let go of by the worker that has all of them when another has none", () => {
    expect(
      balanceConnections([
        { pid: 1, requests: 10_000, connections: 32 },
        { pid: 2, requests: 0, connections: 0 },
      ]),
    ).toEqual([{ pid: 1, connections: 16 }]);
  });

  it("are left alone where the shares are nearly even, where there is one worker, and where hardly anything is asked", () => {
    const even = { requests: 5_000, connections: 10 };
    expect(
      balanceConnections([
        { pid: 1, ...even },
        { pid: 2, ...even, requests: 5_500 },
      ]),
    ).toEqual([]);
    expect(balanceConnections([{ pid: 1, ...even }])).toEqual([]);
    expect(
      balanceConnections([
        { pid: 1, requests: 9, connections: 2 },
        { pid: 2, requests: 0, connections: 0 },
      ]),
    ).toEqual([]);
  });

  it("are left alone where one connection carries everything: it can be only in one place", () => {
    expect(
      balanceConnections([
        { pid: 1, requests: 9_000, connections: 1 },
        { pid: 2, requests: 0, connections: 0 },
      ]),
    ).toEqual([]);
  });

  it("do not go to and fro where they cannot be shared evenly", () => {
    expect(
      balanceConnections([
        { pid: 1, requests: 200, connections: 2 },
        { pid: 2, requests: 100, connections: 1 },
      ]),
    ).toEqual([]);
  });

  it("come to an even share when they are spread anew over those that have fewer", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 2, maxLength: 6 }),
        (connections) => {
          let workers = connections.map((count, at) => ({
            pid: at + 1,
            requests: count * 100,
            connections: count,
          }));
          for (let round = 0; round < 20; round++) {
            const released = balanceConnections(workers);
            if (released.length === 0) break;
            for (const { pid, connections: count } of released) {
              for (let one = 0; one < count; one++) {
                workers = workers.map((worker) =>
                  worker.pid === pid ? { ...worker, connections: worker.connections - 1 } : worker,
                );
                const least = workers.reduce((a, b) => (b.connections < a.connections ? b : a));
                workers = workers.map((worker) =>
                  worker.pid === least.pid ? { ...worker, connections: worker.connections + 1 } : worker,
                );
              }
            }
            workers = workers.map((worker) => ({ ...worker, requests: worker.connections * 100 }));
          }
          expect(balanceConnections(workers)).toEqual([]);
        },
      ),
    );
  });
});
