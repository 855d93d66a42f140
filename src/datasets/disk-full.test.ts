import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createRandom } from "../kernel/index.ts";
import { openFileBlobs } from "../storage/index.ts";
import { ingest } from "./ingest.ts";
import { csv } from "./spec.ts";
import { failure, openWorkspace } from "./testing/workspace.ts";

/** A file system of its own that holds `bytes`, or undefined where none may be mounted. */
function mountTiny(path: string, bytes: number): string | undefined {
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path], { stdio: "pipe" });
  } catch (thrown) {
    const reason =
      thrown instanceof Error ? thrown.message.split("\n").slice(0, 2).join(" ") : String(thrown);
    process.stderr.write(`SKIPPED: no tiny file system can be mounted here: ${reason}\n`);
    return undefined;
  }
  onTestFinished(() => {
    execFileSync("umount", [path]);
  });
  return path;
}

it("leaves nothing behind when the disk fills while a part is written, and works once there is room", async (context) => {
  const random = createRandom("disk");
  const rows = Array.from({ length: 60_000 }, () => `${random.uint32()},${random.float()}\n`);
  const workspace = await openWorkspace({
    "big.csv": `a,b\n${rows.join("")}`,
    "small.csv": `a,b\n${rows.slice(0, 100).join("")}`,
  });
  const tiny = mountTiny(join(workspace.root, "tiny"), 512 * 1024);
  if (tiny === undefined) {
    context.skip();
    return;
  }
  const blobs = openFileBlobs(join(tiny, "blobs"));
  const columns = { a: "int", b: "float" } as const;
  const error = await failure(
    ingest({ name: "big", spec: { source: csv("big.csv"), columns }, root: workspace.root, blobs }),
  );
  expect(error.kind).toBe("exhausted");
  expect(error.code).toBe("DATASETS_DISK_FULL");
  const left = readdirSync(tiny, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left).toEqual([]);
  const taken = await ingest({
    name: "small",
    spec: { source: csv("small.csv"), columns },
    root: workspace.root,
    blobs,
  });
  expect(taken.manifest.rowCount).toBe(100);
});
