import { describe, expect, it } from "vitest";
import { takenUp } from "./take-up.ts";

const worker = (pid: number, generation: number, problems: readonly string[] = []) => ({
  pid,
  generation,
  problems,
});

describe("a routing generation", () => {
  it("is taken up by the workers that serve it or a newer one", () => {
    expect(takenUp([worker(1, 7), worker(2, 6), worker(3, 8)], 7)).toEqual({
      workers: 2,
      behind: [2],
      problems: [],
    });
    expect(takenUp([], 7)).toEqual({ workers: 0, behind: [], problems: [] });
  });

  it("says once what workers could not load of it, and not what they could not load before", () => {
    const workers = [worker(1, 7, ["a"]), worker(2, 7, ["a", "b"]), worker(3, 6, ["old"])];
    expect(takenUp(workers, 7).problems).toEqual(["a", "b"]);
  });
});
