import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { predict, repository, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";

const CONFIG = `import { byHash, csv, dataset, gbdt, model } from "slipway";

export const customers = dataset({
  source: csv("customers.csv", { nullValues: ["NA"] }),
  columns: { id: "int", town: "category", age: "float", since: "timestamp", bought: { type: "bool", known: "after" } },
});

export const buys = model({
  from: customers,
  target: (row) => row.bought,
  features: (c) => ({ town: c.town, age: c.age, month: c.since.month() }),
  split: byHash({ key: "id", evaluateShare: 0.3, validateShare: 0.1, seed: 1 }),
  trainer: gbdt({ trees: 5, leaves: 4, minRowsPerLeaf: 5 }),
});
`;

const TOWNS = ["Rome", "Oslo", "Bonn"];

function customers(
  rows: number,
  change: (row: number, line: string[]) => string[] = (_, line) => line,
): string {
  const lines = Array.from({ length: rows }, (_, row) =>
    change(row, [
      String(row),
      TOWNS[row % 3] ?? "",
      row % 11 === 0 ? "NA" : (20 + ((row * 7) % 50) / 4).toFixed(2),
      `2026-0${1 + (row % 9)}-15T10:00:0${row % 10}.${100_000 + row}Z`,
      String((row * 7) % 50 > 20 !== (row % 5 === 0)),
    ]).join(","),
  );
  return `id,town,age,since,bought\n${lines.join("\n")}\n`;
}

type Log = OperationOutput<"data.log">;

describe("versions of data", () => {
  const folder = scratchFolder("data-versions");
  const cwd = folder.path;
  const at = { cwd };
  const inFolder = (name: string) => join(cwd, name);
  let firstAt = "";
  let digests: readonly string[] = [];

  beforeAll(async () => {
    writeFileSync(inFolder("slipway.config.ts"), CONFIG);
    for (const content of [
      customers(600),
      customers(600, (row, line) => (row < 3 ? ["", "Kyiv", ...line.slice(2)] : line)),
      customers(650, (row, line) => (row % 100 === 7 ? [line[0]!, "Bern", ...line.slice(2)] : line)),
    ]) {
      writeFileSync(inFolder("customers.csv"), content);
      await slipwayJson(["data", "add"], at);
      if (firstAt === "") {
        const { snapshots } = await slipwayJson<Log>(["data", "log"], at);
        firstAt = snapshots[0]?.addedAt ?? "";
      }
    }
    const { snapshots } = await slipwayJson<Log>(["data", "log", "customers"], at);
    digests = snapshots.map(({ digest }) => digest).reverse();
    await slipwayJson(["train", "buys"], at);
  });

  afterAll(folder.remove);

  it("are compared by key and by distribution", async () => {
    const [first = "", , third = ""] = digests;
    const args = ["data", "diff", "customers", first.slice(0, 10), "latest", "--key", "id"];
    const difference = await slipwayJson<OperationOutput<"data.diff">>(args, at);
    expect(difference.after.digest).toBe(third);
    expect(difference.rows).toMatchObject({ by: "key", added: 50, removed: 0, changed: 6, same: 594 });
    expect(difference.columns.find(({ name }) => name === "town")?.distances[0]).toMatchObject({
      measure: "l-infinity",
      value: expect.closeTo(7 / 650, 2),
      convention: "over all values",
    });
    const { stdout } = await slipway(args, at);
    expect(stdout).toMatch(/rows added\s+50\n/);
    expect(stdout).toMatch(/changed\s+7 +town Rome|changed\s+7\s+town/);
  });

  it("have tags and are read as of a time", async () => {
    const [first = "", second = ""] = digests;
    await slipwayJson(["data", "tag", "customers", second.slice(0, 12), "odd", "--reason", "towns"], at);
    const shown = await slipwayJson<OperationOutput<"data.show">>(["data", "show", "customers@odd"], at);
    expect(shown).toMatchObject({ digest: second, tags: ["odd"] });
    const asOf = ["data", "show", "customers", "--as-of", firstAt];
    expect(await slipwayJson(asOf, at)).toMatchObject({ digest: first });
    const both = await slipway(["data", "show", "customers@odd", "--as-of", "1h"], at);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("names a snapshot already") });
    const never = await slipway(["data", "show", "customers", "--as-of", "2001-01-01"], at);
    expect(never).toMatchObject({ code: 2, stderr: expect.stringContaining("2001-01-01") });
  });

  it("are exported so that they are read as the same again", async () => {
    await slipwayJson(["data", "export", "customers@odd", "--out", "odd.csv"], at);
    expect(readFileSync(inFolder("odd.csv"), "utf8").split("\n")).toHaveLength(602);
    writeFileSync(inFolder("customers.csv"), readFileSync(inFolder("odd.csv")));
    const added = await slipwayJson<OperationOutput<"data.add">>(["data", "add", "customers"], at);
    expect(added.snapshots[0]?.digest).toBe(digests[1]);
    writeFileSync(
      inFolder("customers.csv"),
      customers(650, (row, line) => (row % 100 === 7 ? [line[0]!, "Bern", ...line.slice(2)] : line)),
    );
    await slipwayJson(["data", "add", "customers"], at);
  });

  it("and whole files are predicted, bit for bit as the server does", async () => {
    await slipwayJson(["data", "export", "customers", "--out", "in.parquet"], at);
    const out = ["predict", "buys", "--file", "in.parquet", "--out", "out.ndjson"];
    const predicted = await slipwayJson<OperationOutput<"predict.file">>(out, at);
    expect(predicted).toMatchObject({ model: "buys", version: 1, rows: 650 });
    const lines = readFileSync(inFolder("out.ndjson"), "utf8").trim().split("\n");
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows[0]?.prediction_by).toBe("buys@1");
    const server = await slipwayUp(at);
    try {
      const instances = rows.map(({ town, age = null, since }) => ({ town, age, since }));
      const answer = await predict(server.predictions, "buys", { instances });
      expect(answer.body.predictions).toEqual(rows.map(({ prediction }) => prediction));
      // The same through the running server.
      await slipwayJson([...out.slice(0, 4), "--out", "again.ndjson"], at);
      expect(readFileSync(inFolder("again.ndjson"))).toEqual(readFileSync(inFolder("out.ndjson")));
    } finally {
      await server.stop();
    }
  });

  it("leave nothing behind when a prediction of a file is killed or refused", async () => {
    const big = customers(300_000);
    writeFileSync(inFolder("big.csv"), big);
    const before = readdirSync(cwd).sort();
    const drafts = () => readdirSync(cwd).filter((name) => name.startsWith(".big.parquet."));
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const child = spawn(
        process.execPath,
        [join(repository, "bin/slipway.js"), "predict", "buys", "--file", "big.csv", "--out", "big.parquet"],
        { cwd, stdio: "ignore" },
      );
      const ended = new Promise((resolve) => child.once("exit", resolve));
      // In the middle of writing, unless that was quicker than we look.
      while (drafts().length === 0 && child.exitCode === null && !existsSync(inFolder("big.parquet")))
        await new Promise((resolve) => setTimeout(resolve, 2));
      child.kill(signal);
      await ended;
      // A command that is killed leaves the tidying to its runner.
      if (signal === "SIGKILL") await expect.poll(drafts, { timeout: 60_000 }).toEqual([]);
      const left = readdirSync(cwd).filter((name) => name !== "big.parquet");
      expect(left.sort(), signal).toEqual(before);
      rmSync(inFolder("big.parquet"), { force: true });
    }
    writeFileSync(inFolder("big.csv"), big.replace(/\n299999,\w+/, "$&,extra"));
    const refused = await slipway(["predict", "buys", "--file", "big.csv", "--out", "refused.csv"], at);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("big.csv, line 300001") });
    expect(existsSync(inFolder("refused.csv"))).toBe(false);
    expect(readdirSync(join(cwd, ".slipway/blobs/tmp"))).toEqual([]);
  });

  it("are collected without harm to what is made at the same time", async () => {
    type Garbage = OperationOutput<"gc">;
    const young = await slipwayJson<Garbage>(["gc", "--grace", "1h"], at);
    expect(young).toMatchObject({ snapshots: [], removed: { blobs: 0, bytes: 0 } });
    // As if nothing had been used for two days.
    const blobs = join(cwd, ".slipway/blobs/sha256");
    const old = Date.now() / 1000 - 2 * 86_400;
    const files = readdirSync(blobs, { recursive: true, encoding: "utf8" });
    for (const name of files) utimesSync(join(blobs, name), old, old);
    // Snapshots recorded a moment ago stay; the manifest of one that was recorded again from another file goes.
    const aged = await slipwayJson<Garbage>(["gc", "--dry-run"], at);
    expect(aged).toMatchObject({ dryRun: true, snapshots: [], removed: { blobs: 1 } });
    expect(readdirSync(blobs, { recursive: true })).toHaveLength(files.length);
    writeFileSync(inFolder("customers.csv"), customers(900));
    const [trained] = await Promise.all([
      slipwayJson<OperationOutput<"train">>(["train", "buys"], at),
      slipwayJson<Garbage>(["gc", "--grace", "1h"], at).then(() =>
        slipwayJson<Garbage>(["gc", "--grace", "1h"], at),
      ),
    ]);
    expect(readdirSync(blobs, { recursive: true, encoding: "utf8" }).join()).not.toContain(
      aged.blobs[0]?.digest,
    );
    for (const version of [1, trained.version]) await slipwayJson(["reproduce", `buys@${version}`], at);
    for (const digest of digests)
      await slipwayJson(["data", "export", `customers@${digest}`, "--out", "whole.parquet"], at);
    const { entries } = await slipwayJson<OperationOutput<"journal">>(["journal"], at);
    expect(entries.map(({ action }) => action)).toContain("blobs.removed");
  });
});
