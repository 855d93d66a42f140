import type { Readable } from "node:stream";

export type OutputStream = "stdout" | "stderr";

/** Lines that come close to one another are handed on together. */
const GATHER_MS = 100;
const LONGEST_LINE = 16 * 1024;
const MOST_LINES = 1000;

export interface Output {
  /** Resolves when the stream has ended and everything has been handed on. */
  readonly finished: Promise<void>;
  /** Hands on what is there, and reads no more. */
  close(): void;
}

/**
 * Reads whole lines of UTF-8. Of a line that a program writes over again, as progress bars do, only the last state is
 * kept; longer lines than 16 kB are cut into several.
 */
export function readOutput(stream: Readable, onLines: (lines: readonly string[]) => void): Output {
  const finished = Promise.withResolvers<void>();
  let rest = "";
  let lines: string[] = [];
  let timer: NodeJS.Timeout | undefined;

  const handOn = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (lines.length === 0) return;
    const complete = lines;
    lines = [];
    onLines(complete);
  };
  const finish = (): void => {
    if (rest !== "") lines.push(lastState(rest));
    rest = "";
    handOn();
    finished.resolve();
  };
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) lines.push(...pieces(lastState(part)));
    if (rest.length > LONGEST_LINE) {
      lines.push(...pieces(lastState(rest)));
      rest = "";
    }
    if (lines.length >= MOST_LINES) handOn();
    else timer ??= setTimeout(handOn, GATHER_MS);
  });
  stream.once("close", finish);
  return {
    finished: finished.promise,
    close: () => {
      stream.removeAllListeners("data");
      stream.destroy();
      finish();
    },
  };
}

/** What a terminal would show of it: the text after the last return. */
function lastState(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf("\r") + 1);
}

function pieces(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line];
  const count = Math.ceil(line.length / LONGEST_LINE);
  return Array.from({ length: count }, (_, i) => line.slice(i * LONGEST_LINE, (i + 1) * LONGEST_LINE));
}
