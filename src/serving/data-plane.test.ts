import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../kernel/index.ts";
import { codeOf, openServingRoom, predictAcknowledged } from "./testing/serving-room.ts";
import { FLIGHT, routingOf, writeSmallBundle } from "./testing/small-bundle.ts";

const never = { acknowledge: () => expect.unreachable(), refuse: () => expect.unreachable() };

describe("applying a routing snapshot", () => {
  it("serves its champion, and every version by number", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const first = await writeSmallBundle(blobs, { base: 0 });
    const second = await writeSmallBundle(blobs, { base: 1 });
    expect(dataPlane.ready()).toBe(false);
    expect(codeOf(() => dataPlane.find("late"))).toBe("SERVING_NOT_READY");

    const report = await dataPlane.apply(routingOf(1, [first, second]));

    expect(report).toEqual({ outcome: "applied", generation: 1, problems: [] });
    expect(dataPlane.ready()).toBe(true);
    expect(dataPlane.find("late")).toMatchObject({ version: 2, arm: "champion", bundle: second });
    expect(dataPlane.find("late", { version: 1 })).toMatchObject({ version: 1, arm: "version" });
    expect(dataPlane.find("late", { label: "champion" }).version).toBe(2);
    expect(dataPlane.models()).toEqual([
      {
        name: "late",
        champion: 2,
        ready: true,
        versions: [
          { version: 1, bundle: first, state: "available" },
          { version: 2, bundle: second, state: "available" },
        ],
      },
    ]);
  });

  it("serves what each alias names, and goes on with what it named before when the new one does not load", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const bundles = await Promise.all([0, 1, 2].map((base) => writeSmallBundle(blobs, { base })));
    const routing = (generation: number, served: readonly Digest[], aliases: Record<string, number>) => {
      const [model] = routingOf(1, served).models;
      return {
        format: "slipway.routing/1",
        generation,
        models: [{ ...model!, champion: 1, aliases }],
      } as const;
    };
    await dataPlane.apply(routing(1, bundles.slice(0, 2), { champion: 1, candidate: 2 }));
    expect(dataPlane.find("late").version).toBe(1);
    expect(dataPlane.find("late", { label: "candidate" }).version).toBe(2);
    expect(() => dataPlane.find("late", { label: "other" })).toThrow('it has "champion", "candidate"');

    const missing = [bundles[0]!, digestOf("never stored")];
    const report = await dataPlane.apply(routing(2, missing, { candidate: 2, other: 1 }));
    expect(report.problems).toHaveLength(1);
    expect(dataPlane.find("late", { label: "candidate" }).bundle).toBe(bundles[1]);
    expect(dataPlane.find("late", { label: "other" }).version).toBe(1);

    await dataPlane.apply(routing(3, [bundles[0]!], { champion: 1 }));
    expect(codeOf(() => dataPlane.find("late", { label: "candidate" }))).toBe("SERVING_UNKNOWN_LABEL");
    const nowhere = routing(4, [bundles[0]!], { candidate: 7 });
    expect((await dataPlane.apply(nowhere)).problems[0]).toContain("version 7 is not among its versions");
  });

  it("is ready with nothing to serve", async () => {
    const { dataPlane } = await openServingRoom();
    await dataPlane.apply({ format: "slipway.routing/1", generation: 1, models: [] });
    expect(dataPlane.ready()).toBe(true);
    expect(codeOf(() => dataPlane.find("late"))).toBe("SERVING_UNKNOWN_MODEL");
  });

  it("refuses a generation that is not newer", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const bundle = await writeSmallBundle(blobs, { base: 0 });
    await dataPlane.apply(routingOf(5, [bundle]));
    for (const generation of [5, 4]) {
      const report = await dataPlane.apply(routingOf(generation, [bundle], { name: "other" }));
      expect(report.outcome).toBe("refused");
      expect(report.problems[0]).toContain(`generation ${generation} is not newer than generation 5`);
    }
    expect(dataPlane.generation()).toBe(5);
    expect(dataPlane.find("late").version).toBe(1);
  });

  it("refuses what is no snapshot and keeps serving", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]));
    const report = await dataPlane.apply({ ...routingOf(2, []), champion: 1 } as never);
    expect(report).toMatchObject({ outcome: "refused", generation: 1 });
    expect(dataPlane.ready()).toBe(true);
  });

  it("keeps the old champion when the new bundle is damaged, says which file, and takes it once it is repaired", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const old = await writeSmallBundle(blobs, { base: 0 });
    const next = await writeSmallBundle(blobs, { base: 2 });
    await dataPlane.apply(routingOf(1, [old]));
    const before = await predictAcknowledged(dataPlane, "late", [FLIGHT]);
    const manifest = JSON.parse((await blobs.get(next)).toString());
    const modelBlob = manifest.files.model.digest;
    const bytes = await blobs.get(modelBlob);
    await writeFile(blobs.path(modelBlob), bytes.subarray(1));

    const report = await dataPlane.apply(routingOf(2, [old, next]));

    expect(report).toMatchObject({ outcome: "applied", generation: 2 });
    expect(report.problems).toHaveLength(1);
    expect(report.problems[0]).toMatch(/^model late version 2: .*"model"/);
    expect(dataPlane.ready()).toBe(true);
    expect(dataPlane.models()[0]).toMatchObject({ champion: 1, ready: true });
    expect((await predictAcknowledged(dataPlane, "late", [FLIGHT])).outputs).toEqual(before.outputs);
    expect(codeOf(() => dataPlane.find("late", { version: 2 }))).toBe("SERVING_MODEL_UNAVAILABLE");

    await writeFile(blobs.path(modelBlob), bytes);
    expect(await dataPlane.apply(routingOf(2, [old, next]))).toMatchObject({
      outcome: "applied",
      problems: [],
    });
    expect(dataPlane.find("late").version).toBe(2);
  });

  it("serves the other models when one cannot be loaded at all", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const good = routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]);
    const missing = routingOf(1, [digestOf("never stored")], { name: "broken" });
    await dataPlane.apply({ ...good, models: [...missing.models, ...good.models] });
    expect([dataPlane.ready(), dataPlane.unready()]).toEqual([false, ["broken"]]);
    expect(dataPlane.find("late").version).toBe(1);
    expect(codeOf(() => dataPlane.find("broken"))).toBe("SERVING_MODEL_UNAVAILABLE");
  });

  it("lets a request that found its version before the swap finish with it", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const old = await writeSmallBundle(blobs, { base: 0 });
    await dataPlane.apply(routingOf(1, [old]));
    const served = dataPlane.find("late");
    const expected = (await predictAcknowledged(dataPlane, "late", [FLIGHT])).outputs;
    await dataPlane.apply(routingOf(2, [await writeSmallBundle(blobs, { base: 3 })]));
    const done = Promise.withResolvers<void>();
    const late = dataPlane.predict(
      served,
      { records: [FLIGHT], json: undefined },
      { acknowledge: () => done.resolve(), refuse: done.reject },
    );
    await done.promise;
    expect(late.outputs).toEqual(expected);
    expect((await predictAcknowledged(dataPlane, "late", [FLIGHT])).outputs).not.toEqual(expected);
  });

  it("takes snapshots one after the other, in the order they came", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    const bundles = await Promise.all([0, 1, 2].map((base) => writeSmallBundle(blobs, { base })));
    const reports = await Promise.all(
      [2, 1, 3].map((generation) => dataPlane.apply(routingOf(generation, bundles.slice(0, generation)))),
    );
    expect(reports.map(({ outcome }) => outcome)).toEqual(["applied", "refused", "applied"]);
    expect(dataPlane.find("late").version).toBe(3);
  });
});

describe("finding a version", () => {
  it("names what was probably meant", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]));
    expect(() => dataPlane.find("laet")).toThrow(expect.objectContaining({ hint: 'Did you mean "late"?' }));
    expect(() => dataPlane.find("late", { version: 9 })).toThrow("its versions are 1");
    expect(codeOf(() => dataPlane.find("late", { label: "canary" }))).toBe("SERVING_UNKNOWN_LABEL");
    expect(codeOf(() => dataPlane.find("__proto__"))).toBe("SERVING_UNKNOWN_MODEL");
  });
});

describe("predicting", () => {
  it("answers a batch as it answers its instances one by one", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0.5 })]));
    const records = Array.from({ length: 50 }, (_, i) => ({
      ...FLIGHT,
      distance: i * 97,
      miles: i % 7 === 0 ? null : i * 3.3,
      nonstop: i % 3 === 0,
      origin: ["ATL", "ORD", "nowhere", null][i % 4],
    }));
    const batch = await predictAcknowledged(dataPlane, "late", records);
    const single = await Promise.all(
      records.map((record) => predictAcknowledged(dataPlane, "late", [record])),
    );
    expect(batch.outputs).toEqual(single.map(({ outputs }) => outputs[0]));
    expect(new Set(single.map(({ id }) => id)).size).toBe(50);
    expect(dataPlane.predictionCount()).toBe(100);
  });

  it("predicts all instances or none, and names model, instance and field", async () => {
    const { blobs, dataPlane } = await openServingRoom();
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]));
    const { distance: _, ...without } = FLIGHT;
    for (const [record, code] of [
      [without, "FEATURES_MISSING_FIELD"],
      [{ ...FLIGHT, distance: "far" }, "FEATURES_BAD_FIELD"],
      [{ ...FLIGHT, distance: 1.5 }, "FEATURES_BAD_FIELD"],
    ] as const) {
      expect(() =>
        dataPlane.predict(dataPlane.find("late"), { records: [FLIGHT, record], json: undefined }, never),
      ).toThrow(
        expect.objectContaining({
          code: "SERVING_BAD_INSTANCE",
          message: expect.stringMatching(/^model late version 1, instance 1: field "distance"/),
          details: expect.objectContaining({ model: "late", version: 1, instance: 1, field: "distance" }),
          cause: expect.objectContaining({ code }),
        }),
      );
    }
    expect(dataPlane.predictionCount()).toBe(0);
    expect(dataPlane.logCounts().predictions).toBe(0);
  });

  it("refuses no instances and too many", async () => {
    const { blobs, dataPlane } = await openServingRoom({ maxInstances: 3 });
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]));
    const predict = (count: number) => () =>
      dataPlane.predict(
        dataPlane.find("late"),
        { records: new Array(count).fill(FLIGHT), json: undefined },
        never,
      );
    expect(codeOf(predict(0))).toBe("SERVING_NO_INSTANCES");
    expect(codeOf(predict(4))).toBe("SERVING_TOO_MANY_INSTANCES");
  });

  it("predicts no more once it is closed", async () => {
    const { blobs, another } = await openServingRoom();
    const dataPlane = another();
    await dataPlane.apply(routingOf(1, [await writeSmallBundle(blobs, { base: 0 })]));
    const served = dataPlane.find("late");
    await dataPlane.close();
    expect(dataPlane.ready()).toBe(false);
    const predict = () => dataPlane.predict(served, { records: [FLIGHT], json: undefined }, never);
    expect(codeOf(predict)).toBe("SERVING_NOT_READY");
  });
});
