import { describe, expect, it } from "vitest";
import { digestOf } from "../kernel/index.ts";
import { parseRouting } from "./routing.ts";
import { routingOf } from "./testing/small-bundle.ts";

const bundle = digestOf("a bundle");
const good = routingOf(3, [bundle, bundle]);
const model = good.models[0]!;

describe("a routing snapshot", () => {
  it("is read back from JSON as it was", () => {
    expect(parseRouting(JSON.parse(JSON.stringify(good)))).toEqual(good);
  });

  it("may name no model", () => {
    expect(parseRouting({ format: "slipway.routing/1", generation: 1, models: [] }).models).toEqual([]);
  });

  it.each([
    [null, "the document is not an object"],
    [{ ...good, format: "slipway.routing/2" }, 'its format is "slipway.routing/2"'],
    [{ ...good, generation: 0 }, "generation is not a positive integer"],
    [{ ...good, models: {} }, "models is not a list"],
    [{ ...good, models: [{ ...model, name: "a/b" }] }, "models[0].name is not a model name"],
    [{ ...good, models: [{ ...model, name: "x".repeat(300) }] }, "models[0].name is not a model name"],
    [{ ...good, models: [model, model] }, 'models[1].name: "late" stands there twice'],
    [{ ...good, models: [{ ...model, champion: 7 }] }, "version 7 is not among its versions"],
    [
      { ...good, models: [{ ...model, versions: [{ version: 1, bundle: "abc" }] }] },
      "models[0].versions[0].bundle is not a digest",
    ],
    [
      { ...good, models: [{ ...model, versions: [model.versions[0], model.versions[0]] }] },
      "version 1 stands there twice",
    ],
  ])("is refused with its first fault (%#)", (document, fault) => {
    expect(() => parseRouting(document)).toThrow(fault);
  });
});
