import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { BlobBatch } from "./blob-batch.ts";
import type { LoadedFile } from "./load.ts";
import { storeParts } from "./parts.ts";
import { openWorkspace } from "./testing/workspace.ts";

it("takes back the parts it stored when a later one cannot be, but not those that were there before", async () => {
  const { root, blobs, stored } = await openWorkspace();
  const known = await blobs.put(Buffer.from("known before"));
  const before = await stored();
  const files: LoadedFile[] = [];
  for (const [index, text] of ["known before", "new", "missing"].entries()) {
    const path = join(root, `part-${index}`);
    if (text !== "missing") await writeFile(path, text);
    files.push({ path, rows: 1, firstRow: index });
  }
  const batch = new BlobBatch(blobs);
  await expect(storeParts(files, batch)).rejects.toThrow();
  await batch.undo();
  expect(await stored()).toEqual(before);
  expect(await blobs.has(known)).toBe(true);
});
