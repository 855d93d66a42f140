import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ingest } from "../../src/datasets/ingest.ts";
import { readSnapshot } from "../../src/datasets/read-snapshot.ts";
import { csv } from "../../src/datasets/spec.ts";
import { openWorkspace } from "../../src/datasets/testing/workspace.ts";
import { openFileBlobs } from "../../src/storage/index.ts";

const script = fileURLToPath(new URL("../../src/datasets/testing/ingest-process.ts", import.meta.url));

/** Starts an ingest and kills it once it has said `moment`. @returns what it said */
async function killAt(moment: string, folders: { root: string; blobs: string }): Promise<string> {
  const child = spawn(process.execPath, [script, folders.root, folders.blobs], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    said += text;
    if (said.includes(moment)) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  return said;
}

it("leaves no part of a snapshot when killed, and the next one sweeps what was half written", async () => {
  const rows = Array.from({ length: 70_000 }, (_, i) => `${i},${i / 7},kind ${i % 50}\n`).join("");
  const workspace = await openWorkspace({ "data.csv": `a,b,c\n${rows}` });
  const directory = workspace.blobs.directory;
  let midway = 0;
  for (const moment of ["read", "digest 65536", "digest 70000"]) {
    const said = await killAt(moment, { root: workspace.root, blobs: directory });
    if (!said.includes("done")) midway += 1;
    const blobs: string[] = [];
    for await (const blob of workspace.blobs.list()) blobs.push(blob);
    if (!said.includes("done") && !said.includes("write")) expect(blobs).toEqual([]);
  }
  expect(midway).toBeGreaterThan(0);
  const left = await workspace.stored();
  expect(left.some((path) => path.includes("tmp"))).toBe(true);

  const blobs = openFileBlobs(directory);
  expect((await workspace.stored()).filter((path) => path.includes("/tmp/"))).toEqual([]);
  const { manifest } = await ingest({
    name: "again",
    spec: { source: csv("data.csv"), columns: { a: "int", b: "float", c: "category" } },
    root: workspace.root,
    blobs,
  });
  expect((await readSnapshot(manifest, { blobs })).rowCount).toBe(70_000);
});
