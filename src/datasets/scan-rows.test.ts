import { expect, it } from "vitest";
import { scanColumns } from "./scan-columns.ts";
import { ScanThread } from "./scan-thread.ts";
import { csv } from "./spec.ts";
import { failure, openWorkspace } from "./testing/workspace.ts";

it("gives one digest and one profile on one thread and on two, and passes on what a thread throws", async () => {
  const pad = "some words that make the file large enough for a second thread";
  const rows = Array.from(
    { length: 310_000 },
    (_, i) => `${i % 7919},${(i * 31) % 1009},${pad} ${i % 5}\n`,
  ).join("");
  const workspace = await openWorkspace({ "a.csv": `a,b,c\n${rows}` });
  const spec = { source: csv("a.csv"), columns: { a: "int", b: "category", c: "text" } } as const;
  const one = await workspace.ingest(spec, { threads: 1 });
  const two = await workspace.ingest(spec, { threads: 2 });
  expect(two.digest).toBe(one.digest);
  expect(two.manifest.profile).toEqual(one.manifest.profile);

  for await (const blob of workspace.blobs.list()) await workspace.blobs.delete(blob);
  let reports = 0;
  const onProgress = (): void => {
    reports += 1;
    if (reports === 4) throw new Error("the listener failed");
  };
  await expect(workspace.ingest(spec, { threads: 2, onProgress })).rejects.toThrow("the listener failed");
  expect(await workspace.stored()).toEqual([]);
});

it("hears of a file that is damaged while it is scanned", async () => {
  const workspace = await openWorkspace({ "a.parquet": "PAR1 and nothing more" });
  const task = {
    paths: [`${workspace.root}/a.parquet`],
    rowCount: 1,
    schema: [{ name: "a", type: "int" }] as const,
    memoryBytes: 1 << 28,
    spillDirectory: workspace.root,
  };
  await expect(scanColumns(task, () => undefined)).rejects.toThrow();
  const thread = new ScanThread();
  expect((await failure(thread.scan(task, () => undefined))).code).toBe("DATASETS_ENGINE");
  await thread.stop();
  await expect(thread.scan(task, () => undefined)).rejects.toThrow("ended");
});
