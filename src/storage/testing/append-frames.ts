/** Appends frames of many sizes until it is killed; writes the name of each to its standard output once it is flushed. */
import { writeSync } from "node:fs";
import { openSegmentWriter } from "../segment-writer.ts";

const incarnation = `w${process.pid}`;
const writer = openSegmentWriter({
  directory: process.argv[2]!,
  prefix: "log",
  incarnation,
  clock: Date.now,
  maxSegmentBytes: 2_000_000,
});
for (let flush = 0; ; flush++) {
  const names = Array.from({ length: 20 }, (_, i) => `${incarnation}/${flush}/${i}`);
  for (const [i, name] of names.entries())
    writer.append(Buffer.from(`${name} ${"x".repeat((flush * 37 + i * 911) % 2000)}`));
  writer.flushSync();
  writeSync(1, `${names.join("\n")}\n`);
}
