import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LineFile, type LineFileOptions } from "./line-file.ts";

const root = mkdtempSync(join(tmpdir(), "slipway-lines-"));
afterAll(() => rmSync(root, { recursive: true }));

function room(options: Partial<LineFileOptions> = {}) {
  const directory = mkdtempSync(join(root, "log-"));
  const path = join(directory, "access.log");
  const problems: unknown[] = [];
  const open = (): LineFile =>
    new LineFile({
      target: { path },
      maxBytes: 1_000_000,
      keptFiles: 2,
      clock: () => 0,
      onProblem: (problem) => problems.push(problem),
      ...options,
    });
  return { directory, path, problems, open };
}

const linesOf = (path: string): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);

describe("a file of lines", () => {
  it("holds every line in order, and those of several writers whole", async () => {
    const { path, open } = room();
    const writers = [open(), open(), open()];
    for (let at = 0; at < 3_000; at++) writers[at % 3]!.add(`${at % 3} ${at} ${"x".repeat(at % 200)}\n`);
    await Promise.all(writers.map((writer) => writer.close()));
    const lines = linesOf(path).map((line) => line.split(" "));
    expect(lines).toHaveLength(3_000);
    for (const writer of ["0", "1", "2"]) {
      const own = lines.filter(([who]) => who === writer).map(([, at]) => Number(at));
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
    expect(writers.map(({ counts }) => counts.written)).toEqual([1_000, 1_000, 1_000]);
  });

  it("is set aside when it is long, as many times as are to be kept; no line is lost on the way", async () => {
    const { directory, path, open } = room({ maxBytes: 1_000, keptFiles: 3 });
    const writers = [open(), open()];
    for (let round = 0; round < 8; round++) {
      for (const [at, writer] of writers.entries()) writer.add(`${round} ${at} ${"x".repeat(200)}\n`);
      await Promise.all(writers.map((writer) => writer.flush()));
    }
    await Promise.all(writers.map((writer) => writer.close()));
    const files = readdirSync(directory).sort();
    // Two that write at the same moment may both find room; then a file is a little longer, and there are fewer.
    expect(files.length).toBeGreaterThanOrEqual(3);
    expect(files).toEqual(
      ["access.log", "access.log.1", "access.log.2", "access.log.3"].slice(0, files.length),
    );
    const lines = files.toReversed().flatMap((name) => linesOf(join(directory, name)));
    expect(lines).toHaveLength(16);
    expect(linesOf(path).at(-1)).toMatch(/^7 /);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it("goes on in a new file when another program has set it aside", async () => {
    const { path, open } = room();
    const writer = open();
    writer.add("before\n");
    await writer.flush();
    renameSync(path, `${path}.moved`);
    writer.add("after\n");
    await writer.close();
    expect([linesOf(`${path}.moved`), linesOf(path)]).toEqual([["before"], ["after"]]);
  });

  it("drops and counts what it has no room for, and what cannot be written, and says why once", async () => {
    const narrow = room({ maxWaiting: 10 });
    const writer = narrow.open();
    for (const line of ["12345\n", "12345\n", "1\n"]) writer.add(line);
    await writer.close();
    expect(linesOf(narrow.path)).toEqual(["12345", "1"]);
    expect(writer.counts).toEqual({ written: 2, dropped: 1 });

    const { problems, open } = room({ target: { path: join(root, "nowhere", "access.log") } });
    const lost = open();
    for (let at = 0; at < 3; at++) {
      lost.add("line\n");
      await lost.flush();
    }
    expect(lost.counts).toEqual({ written: 0, dropped: 3 });
    expect(problems).toHaveLength(1);
  });

  it("may be an open descriptor, such as the standard output", async () => {
    const { directory } = room();
    const path = join(directory, "pipe");
    const descriptor = openSync(path, "a");
    const { open } = room({ target: { descriptor } });
    const writer = open();
    for (let at = 0; at < 100; at++) writer.add(`${at} ${"x".repeat(100)}\n`);
    await writer.close();
    closeSync(descriptor);
    expect(linesOf(path)).toHaveLength(100);
  });
});
