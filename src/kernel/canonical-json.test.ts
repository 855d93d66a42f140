import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

describe("canonicalJson", () => {
  it("sorts keys, drops undefined members and prints −0 as 0", () => {
    expect(canonicalJson({ b: 1, a: [-0, null], c: undefined })).toBe('{"a":[0,null],"b":1}');
  });

  it("orders keys by UTF-16 code units as RFC 8785 asks", () => {
    const keys = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"];
    const written = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(JSON.parse(written))).toHaveLength(7);
    expect(written.indexOf("\u00f6")).toBeLessThan(written.indexOf("\u20ac"));
    expect(written.indexOf("\u{1f600}")).toBeLessThan(written.indexOf("\ufb33"));
  });

  it("refuses what JSON cannot say and names where it stands", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "\ud800", 1n, () => 1, new Float64Array(1)]) {
      expect(() => canonicalJson({ deep: [value] })).toThrow(/\$\.deep\[0\]/);
    }
  });

  it("gives one spelling whatever the order of insertion, and parses back to the same value", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });
});
