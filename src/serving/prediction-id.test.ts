import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { servingErrors } from "./errors.ts";
import { incarnationTail, newIncarnation, PredictionIds, parsePredictionId } from "./prediction-id.ts";

const MAX_TIME = 32 ** 10 - 1;
const MAX_SEQUENCE = 32 ** 8 - 1;

describe("prediction ids", () => {
  it("say time, incarnation and sequence again when they are read", () => {
    const incarnation = newIncarnation(() => 1_000_000_000_000);
    const ids = new PredictionIds(incarnation);
    fc.assert(
      fc.property(
        fc.nat({ max: MAX_TIME }),
        fc.nat({ max: MAX_SEQUENCE }),
        fc.option(fc.nat(999), { nil: undefined }),
        (time, sequence, instance) => {
          const id = ids.write(time, sequence) + (instance === undefined ? "" : `.${instance}`);
          expect(parsePredictionId(id)).toEqual({
            time,
            incarnationTail: incarnationTail(incarnation),
            sequence,
            instance,
          });
        },
      ),
    );
  });

  it("sort by time and, within a millisecond of one worker, by sequence", () => {
    const ids = new PredictionIds(newIncarnation(() => 1));
    const moment = fc.tuple(fc.nat({ max: MAX_TIME }), fc.nat({ max: MAX_SEQUENCE }));
    fc.assert(
      fc.property(moment, moment, ([t1, s1], [t2, s2]) => {
        const before = t1 < t2 || (t1 === t2 && s1 < s2);
        expect(ids.write(t1, s1) < ids.write(t2, s2)).toBe(before);
      }),
    );
  });

  it.each([
    "",
    "01m80cqgvcjhqfhb0000000",
    "01m80cqgvcjhqfhb000000000",
    "01M80CQGVCJHQFHB00000000",
    "01m80cqgvcjhqfhb0000000i",
    "01m80cqgvcjhqfhb00000000.",
    "01m80cqgvcjhqfhb00000000.01",
    "01m80cqgvcjhqfhb00000000.-1",
  ])("refuse %j", (text) => {
    expect(() => parsePredictionId(text)).toThrow(
      expect.objectContaining({ code: servingErrors.SERVING_BAD_PREDICTION_ID.code }),
    );
  });

  it("name incarnations so that those that began later sort later", () => {
    expect(newIncarnation(() => 1_000) < newIncarnation(() => 2_000)).toBe(true);
    expect(newIncarnation(() => 1_000)).not.toBe(newIncarnation(() => 1_000));
  });
});
