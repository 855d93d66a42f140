import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../kernel/index.ts";
import { decodeFeedback, encodeFeedback } from "./feedback-frame.ts";
import { checkFeedbackItem, feedbackKey } from "./feedback-item.ts";

const ID = "01m80ew69eq9b6n900000004";
const NOW = 1_700_000_000_000;

function codeOf(item: unknown): string {
  try {
    checkFeedbackItem(item, NOW);
    return "";
  } catch (thrown) {
    return thrown instanceof SlipwayError ? thrown.code : String(thrown);
  }
}

describe("an item of feedback", () => {
  it("is about the target and known now, unless it says otherwise", () => {
    expect(checkFeedbackItem({ predictionId: ID, value: 3 }, NOW)).toEqual({
      predictionId: ID,
      name: "target",
      value: 3,
      at: NOW,
    });
    const item = { predictionId: `${ID}.7`, name: "delay", value: null, at: "2026-01-31T12:00:00+01:00" };
    expect(checkFeedbackItem(item, NOW)).toEqual({ ...item, at: Date.parse("2026-01-31T11:00:00Z") });
  });

  it.each([
    ["a text", "FEEDBACK_BAD_ITEM"],
    [[{ predictionId: ID, value: 1 }], "FEEDBACK_BAD_ITEM"],
    [{ value: 1 }, "FEEDBACK_BAD_ITEM"],
    [{ predictionId: ID }, "FEEDBACK_BAD_ITEM"],
    [{ predictionId: 7, value: 1 }, "FEEDBACK_BAD_ITEM"],
    [{ predictionId: ID, values: 1, value: 1 }, "FEEDBACK_BAD_ITEM"],
    [{ predictionId: "no id", value: 1 }, "SERVING_BAD_PREDICTION_ID"],
    [{ predictionId: `${ID}.01`, value: 1 }, "SERVING_BAD_PREDICTION_ID"],
    [{ predictionId: ID, value: Number.POSITIVE_INFINITY }, "FEEDBACK_BAD_VALUE"],
    [{ predictionId: ID, value: [1] }, "FEEDBACK_BAD_VALUE"],
    [{ predictionId: ID, value: "x".repeat(1_001) }, "FEEDBACK_BAD_VALUE"],
    [{ predictionId: ID, value: 1, name: "" }, "FEEDBACK_BAD_NAME"],
    [{ predictionId: ID, value: 1, name: "a\nb" }, "FEEDBACK_BAD_NAME"],
    [{ predictionId: ID, value: 1, name: null }, "FEEDBACK_BAD_NAME"],
    [{ predictionId: ID, value: 1, at: "yesterday" }, "FEEDBACK_BAD_TIME"],
    [{ predictionId: ID, value: 1, at: 1_700_000_000 }, "FEEDBACK_BAD_TIME"],
  ])("%j is refused with %s", (item, code) => {
    expect(codeOf(item)).toBe(code);
  });

  it("of a request with one instance has one key, however it is named", () => {
    expect(feedbackKey({ predictionId: ID, name: "target" })).toBe(
      feedbackKey({ predictionId: `${ID}.0`, name: "target" }),
    );
    expect(feedbackKey({ predictionId: `${ID}.1`, name: "target" })).not.toBe(
      feedbackKey({ predictionId: ID, name: "target" }),
    );
  });
});

describe("a frame of the feedback log", () => {
  const item = fc.record({
    predictionId: fc.constant(ID),
    name: fc.string({ unit: "grapheme", minLength: 1 }),
    value: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      fc.boolean(),
      fc.string({ unit: "grapheme" }),
      fc.constant(null),
    ),
    at: fc.integer({ min: -6e13, max: 2e14 }).map((micros) => micros / 1000),
  });

  it("gives back what was put into it", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 20 }), fc.nat(), (items, receivedAt) => {
        expect(decodeFeedback(encodeFeedback({ receivedAt, items }))).toEqual({ receivedAt, items });
      }),
    );
  });

  it("of another layout is refused", () => {
    const frame = encodeFeedback({ receivedAt: 1, items: [] });
    frame.writeUInt8(9, 1);
    expect(() => decodeFeedback(frame)).toThrow(/layout/);
    expect(() => decodeFeedback(Buffer.alloc(3))).toThrow(/layout/);
    const miscounted = encodeFeedback({ receivedAt: 1, items: [] });
    miscounted.writeUInt32LE(1, 4);
    expect(() => decodeFeedback(miscounted)).toThrow(/list of 1 items/);
  });
});
