import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readOutput } from "./program-output.ts";

async function linesOf(chunks: readonly (string | Uint8Array)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  const output = readOutput(stream, (some) => lines.push(...some));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await output.finished;
  return lines;
}

describe("what a program prints", () => {
  it("is read line by line, wherever it is cut", async () => {
    const text = "eins\n\nzwölf \u{1f6e5}\r\nlast";
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i]!, end));
        expect(await linesOf(chunks)).toEqual(["eins", "", "zwölf \u{1f6e5}", "last"]);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps of a progress bar its last state, and cuts what has no end", async () => {
    expect(await linesOf(["0 %\r50 %\r100 %\ndone\n"])).toEqual(["100 %", "done"]);
    const [first, second, third] = await linesOf(["x".repeat(40_000)]);
    expect([first?.length, second?.length, third?.length]).toEqual([16_384, 16_384, 7_232]);
  });
});
