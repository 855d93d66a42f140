import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistry, type Registry } from "../../src/registry/index.ts";
import { type Database, openDatabase } from "../../src/storage/index.ts";
import { type DatabasePlace, databaseKinds } from "../databases.ts";
import { killLoop } from "../kill-loop.ts";
import { runProcess } from "../run-process.ts";

const kinds = await databaseKinds();
const registerVersions = join(import.meta.dirname, "..", "processes", "register-versions.ts");

describe.each(kinds)("processes that register in a registry on $name", (kind) => {
  let place: DatabasePlace;
  let database: Database;
  let registry: Registry;
  let now: number;

  beforeEach(async () => {
    place = await kind.create();
    database = await openDatabase(place.target);
    now = 1_700_000_000_000;
    registry = createRegistry(database, { clock: () => now++ });
  });

  afterEach(async () => {
    await database.close();
    await place.remove();
  });

  it("get consecutive numbers", async () => {
    const target = JSON.stringify(place.target);
    const lines = await Promise.all(
      ["ann", "bob"].map((name) => runProcess(registerVersions, [target, "late", name, "8"])),
    );
    const numbers = lines
      .flat()
      .map(Number)
      .sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
    expect((await registry.versions("late")).map((each) => each.version).reverse()).toEqual(numbers);
    expect((await registry.routing()).generation).toBe(16);
    expect(await registry.verifyJournal()).toMatchObject({ entries: 4 * 16, faults: [] });
  });
  it("leave it whole after kill -9 at any moment, with all that was acknowledged", async () => {
    const acknowledged = new Set<number>();
    await killLoop({
      script: registerVersions,
      args: [JSON.stringify(place.target), "late", "ann"],
      kills: 3,
      afterKill: async (lines) => {
        for (const line of lines) acknowledged.add(Number(line));
        const again = await openDatabase(place.target);
        try {
          const reopened = createRegistry(again, { clock: () => now++ });
          await reopened.interruptStaleRuns({ actor: "test", isAlive: () => false });
          const { faults } = await reopened.verifyJournal();
          expect(faults).toEqual([]);
          const versions = new Set((await reopened.versions("late")).map((each) => each.version));
          expect([...acknowledged].filter((number) => !versions.has(number))).toEqual([]);
          expect(Math.max(...versions)).toBe(versions.size);
          const states = new Set((await reopened.runs()).map(({ state }) => state));
          expect([...states].filter((state) => !["succeeded", "interrupted"].includes(state))).toEqual([]);
        } finally {
          await again.close();
        }
      },
    });
    expect(acknowledged.size).toBeGreaterThan(0);
  });
});
