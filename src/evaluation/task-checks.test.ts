import { describe, expect, it } from "vitest";
import { splitRole } from "./split.ts";
import { checkTarget, checkWeights } from "./task-checks.ts";

const { train, evaluate, unused } = splitRole;
const roles = Uint8Array.of(train, train, train, evaluate, evaluate, unused);
const missing = Number.NaN;

describe("checkTarget", () => {
  it("accepts a target that can be learned, and does not look at unused rows", () => {
    checkTarget("binary", Float64Array.of(0, 1, 0, 1, 1, missing), roles);
    checkTarget("regression", Float64Array.of(1.5, -2, 0, 4, 4, Number.POSITIVE_INFINITY), roles);
  });

  it("accepts a target that is constant in evaluation only", () => {
    checkTarget("binary", Float64Array.of(0, 1, 0, 1, 1, 0), roles);
  });

  it.each([
    [
      "EVALUATION_TARGET_MISSING",
      "missing in 2 of 6 rows, first in row 2",
      [0, missing, 1, missing, 1, missing],
    ],
    [
      "EVALUATION_TARGET_NOT_FINITE",
      "infinite in 1 of 6 rows, first in row 4",
      [0, 1, 1, Number.NEGATIVE_INFINITY, 1, 0],
    ],
    ["EVALUATION_TARGET_NOT_BINARY", "first in row 3 (there it is 2)", [0, 1, 2, 1, 0, 0]],
    ["EVALUATION_TARGET_CONSTANT", "the target is 1 in all 3 training rows", [1, 1, 1, 0, 0, 0]],
  ])("raises %s", (code, message, target) => {
    const check = () => checkTarget("binary", Float64Array.from(target), roles);
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code, kind: "invalid" }));
  });
});

describe("checkWeights", () => {
  it("accepts weights of 0 as long as some training row counts", () => {
    checkWeights(Float64Array.of(0, 0, 2, 0, 1, -1), roles);
  });

  it.each([
    ["first in row 2 (there it is -1)", [1, -1, 1, 1, 1, 1]],
    ["first in row 4 (there it is missing)", [1, 1, 1, missing, 1, 1]],
    ["first in row 5 (there it is Infinity)", [1, 1, 1, 1, Number.POSITIVE_INFINITY, 1]],
    ["all training rows are 0", [0, 0, 0, 1, 1, 1]],
  ])("raises EVALUATION_BAD_WEIGHT: %s", (message, weights) => {
    const check = () => checkWeights(Float64Array.from(weights), roles);
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code: "EVALUATION_BAD_WEIGHT" }));
  });
});
