import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../kernel/index.ts";
import { type AliasedVersion, routingDocument } from "./routing.ts";

const aliased = (model: string, alias: string, version: number): AliasedVersion => ({
  model,
  alias,
  version,
  bundle: digestOf(`${model} ${version}`),
});

describe("a routing document", () => {
  it("names champion, aliases and the versions they need of every model that has a champion", () => {
    const document = routingDocument(7, [
      aliased("late", "champion", 3),
      aliased("late", "candidate", 5),
      aliased("late", "previous", 3),
      aliased("churn", "candidate", 1),
    ]);
    expect(document).toEqual({
      format: "slipway.routing/1",
      generation: 7,
      models: [
        {
          name: "late",
          versions: [
            { version: 3, bundle: digestOf("late 3") },
            { version: 5, bundle: digestOf("late 5") },
          ],
          champion: 3,
          aliases: { candidate: 5, champion: 3, previous: 3 },
        },
      ],
    });
  });

  it("is the same whatever order the database gives", () => {
    const entries = ["é", "Zoo", "a", "_b", "apple"].flatMap((model) => [
      aliased(model, "champion", 12),
      aliased(model, "candidate", 2),
    ]);
    const expected = JSON.stringify(routingDocument(1, entries));
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
        expect(JSON.stringify(routingDocument(1, shuffled))).toBe(expected);
      }),
    );
  });
});
