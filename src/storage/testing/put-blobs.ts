/** Stores blobs until it is killed; writes the digest of each that is stored to its standard output. */
import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { openFileBlobs } from "../blobs.ts";

const blobs = openFileBlobs(process.argv[2]!);
for (;;) {
  const digest = await blobs.put(randomBytes(200_000));
  writeSync(1, `${digest}\n`);
}
