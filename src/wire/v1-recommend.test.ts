import { describe, expect, it } from "vitest";
import { inputRules } from "./prediction-body.ts";
import { parseV1Recommend, writeV1Recommendations } from "./v1-recommend.ts";

const rules = inputRules(
  "rating",
  [
    { name: "userId", type: "category", required: true },
    { name: "year", type: "int", required: true },
  ],
  { maxDepth: 8, refuseUnknownFields: false },
);
const parse = (text: string) => parseV1Recommend(Buffer.from(text), rules);

describe("a request to recommend", () => {
  it("needs a context, and wants ten of all known items", () => {
    expect(parse('{"context": {"userId": "7"}}')).toEqual({ context: { userId: "7" }, n: 10 });
    expect(parse('{"context": {}, "candidates": ["1", {"year": 5}], "exclude": ["2"], "n": 3}')).toEqual({
      context: {},
      candidates: ["1", { year: 5 }],
      exclude: ["2"],
      n: 3,
    });
  });

  it.each([
    ["[]", /must be a JSON object/],
    ["{}", /"context" must be an object/],
    ['{"context": []}', /"context" must be an object/],
    ['{"context": {}, "top": 5}', /no member "top"/],
    ['{"context": {}, "candidates": {}}', /"candidates" must be a list/],
    ['{"context": {}, "exclude": "5"}', /"exclude" must be a list/],
    ['{"context": {}, "n": 0}', /"n" must be a whole number/],
    ['{"context": {}, "n": 1001}', /"n" must be a whole number/],
    ['{"context": {}, "n": "3"}', /"n" must be a whole number/],
  ])("is refused as %s", (text, message) => {
    expect(() => parse(text)).toThrowError(expect.objectContaining({ code: "WIRE_BAD_REQUEST" }));
    expect(() => parse(text)).toThrow(message);
  });

  it("may not hold an integer that lost digits", () => {
    for (const text of [
      '{"context": {"year": 9007199254740993}}',
      '{"context": {}, "candidates": [{"year": 9007199254740993}]}',
    ]) {
      expect(() => parse(text)).toThrowError(expect.objectContaining({ code: "WIRE_INEXACT_INTEGER" }));
    }
  });

  it("is answered with the best first", () => {
    expect(
      writeV1Recommendations(
        [
          { item: "é", score: 4 },
          { item: { year: 5 }, score: 0.1 },
        ],
        7,
      ),
    ).toBe(
      '{"recommendations": [{"item": "é", "score": 4.0}, {"item": {"year":5}, "score": 0.1}], "candidates": 7}',
    );
  });
});
