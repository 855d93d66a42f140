import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { RunEvent } from "../pipeline/index.ts";

/** The most that is read at once. */
const PIECE_BYTES = 256 * 1024;

type LogEvent = Extract<RunEvent, { kind: "log" }>;

export interface RunLog {
  note(event: RunEvent): void;
  /** Resolves when everything noted stands in the file. @throws what kept it from being written */
  close(): Promise<void>;
}

/** The file that keeps what the program of a run prints; it exists from its first line on. */
export function openRunLog(directory: string, run: string): RunLog {
  let stream: WriteStream | undefined;
  return {
    note: (event) => {
      if (event.kind !== "log") return;
      stream ??= create(directory, run);
      stream.write(textOf(event));
    },
    close: async () => {
      if (stream === undefined) return;
      stream.end();
      await finished(stream);
    },
  };
}

function create(directory: string, run: string): WriteStream {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const stream = createWriteStream(logPath(directory, run), { flags: "a", mode: 0o600 });
  // Whoever closes the log hears of it.
  stream.on("error", () => undefined);
  return stream;
}

function textOf({ stream, lines }: LogEvent): string {
  return lines.map((line) => `${stream === "slipway" ? "# " : ""}${line}\n`).join("");
}

function logPath(directory: string, run: string): string {
  return join(directory, `${run}.log`);
}

/** A piece of whole lines from a byte on, and where to go on; empty for a run that has printed nothing. */
export async function readRunLog(
  directory: string,
  run: string,
  from: number,
): Promise<{ readonly text: string; readonly next: number; readonly bytes: number }> {
  const file = await open(logPath(directory, run), "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return { text: "", next: 0, bytes: 0 };
  try {
    const { size } = await file.stat();
    const piece = Buffer.alloc(Math.min(PIECE_BYTES, Math.max(0, size - from)));
    const { bytesRead } = await file.read(piece, 0, piece.length, from);
    const end = from + bytesRead < size ? piece.lastIndexOf(0x0a, bytesRead - 1) + 1 : bytesRead;
    const text = piece.toString("utf8", 0, end === 0 ? bytesRead : end);
    return { text, next: from + (end === 0 ? bytesRead : end), bytes: size };
  } finally {
    await file.close();
  }
}
