import { describe, expect, it } from "vitest";
import { stableHash } from "./stable-hash.ts";

describe("stableHash", () => {
  it("keeps its meaning", () => {
    expect(["", "a", "customer-17", "ÅÄÖ", "🛩"].map((text) => stableHash(text, 0))).toEqual([
      2_886_220_781, 3_279_505_407, 2_312_137_720, 2_209_417_930, 3_672_240_992,
    ]);
    expect(stableHash("a", 1)).not.toBe(stableHash("a", 0));
  });

  it("spreads texts as alike as consecutive numbers evenly, for every seed", () => {
    for (const seed of [0, 1, 42, -1]) {
      const counts = new Array<number>(16).fill(0);
      for (let i = 0; i < 16_000; i++) counts[Math.floor(stableHash(String(i), seed) / 2 ** 28)]! += 1;
      const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
      // 99.9 % of Chi² with 15 degrees of freedom.
      expect(chiSquare).toBeLessThan(37.7);
    }
  });
});
