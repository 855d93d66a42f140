import { describe, expect, it } from "vitest";
import { nearestName } from "./nearest-name.ts";

describe("the name that was probably meant", () => {
  it.each([
    ["lat", ["late", "churn"], "late"],
    ["Late", ["late"], "late"],
    ["chrun", ["late", "churn"], "churn"],
    ["flights_lat", ["flights_late", "flights_early"], "flights_late"],
  ])("for %j among %j is %j", (given, known, expected) => {
    expect(nearestName(given, known)).toBe(expected);
  });

  it("is nothing when no name is near", () => {
    expect(nearestName("income", ["late", "churn"])).toBeUndefined();
    expect(nearestName("late", [])).toBeUndefined();
    expect(nearestName("x".repeat(10_000), ["late"])).toBeUndefined();
  });
});
