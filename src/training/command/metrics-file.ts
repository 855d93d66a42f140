import { open } from "node:fs/promises";

const LOOK_EVERY_MS = 500;
const PIECE_BYTES = 64 * 1024;

/**
 * Hands on the lines of a file as it grows, half a second late at most. It need not exist yet.
 *
 * @returns a function that reads what is left and ends
 */
export function followLines(path: string, onLine: (line: string) => void): () => Promise<void> {
  const decoder = new TextDecoder();
  let position = 0;
  let rest = "";
  let reading: Promise<void> = Promise.resolve();

  async function readOn(): Promise<void> {
    const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (file === undefined) return;
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(piece, 0, piece.length, position);
        if (bytesRead === 0) return;
        position += bytesRead;
        const lines = (rest + decoder.decode(piece.subarray(0, bytesRead), { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(line);
      }
    } finally {
      await file.close();
    }
  }

  const timer = setInterval(() => {
    reading = reading.then(readOn);
    // Whoever ends it hears of the failure.
    reading.catch(() => undefined);
  }, LOOK_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await reading;
    await readOn();
    if (rest !== "") onLine(rest);
  };
}
