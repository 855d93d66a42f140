import { sleep } from "../../kernel/index.ts";

/** The keyboard, as far as it matters here. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: "data", listener: (data: Buffer) => void): unknown;
  off(event: "data", listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

export interface LiveScreenOptions {
  readonly write: (text: string) => void;
  readonly keyboard: Keyboard;
  /** What is to be seen now. */
  readonly paint: () => Promise<string>;
  readonly intervalMs: number;
  /** Aborted when the program is to end. */
  readonly signal: AbortSignal;
}

const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_REST = "\x1b[J";
const CTRL_C = "\x03";

/**
 * Paints a screen of its own until q or Ctrl-C is typed, and gives the terminal back as it was, whatever happens.
 *
 * @throws what `paint` does
 */
export async function showLive({
  write,
  keyboard,
  paint,
  intervalMs,
  signal,
}: LiveScreenOptions): Promise<void> {
  const quitting = new AbortController();
  const ending = AbortSignal.any([signal, quitting.signal]);
  const onKeys = (data: Buffer): void => {
    const keys = data.toString();
    if (/[qQ]/.test(keys) || keys.includes(CTRL_C)) quitting.abort();
  };
  keyboard.setRawMode?.(true);
  keyboard.on("data", onKeys);
  keyboard.resume();
  write(OPEN);
  try {
    while (!ending.aborted) {
      const text = await paint();
      write(`${HOME}${text.replaceAll("\n", `${CLEAR_LINE}\r\n`)}${CLEAR_REST}`);
      await sleep(intervalMs, ending).catch(() => undefined);
    }
  } finally {
    write(CLOSE);
    keyboard.off("data", onKeys);
    keyboard.setRawMode?.(false);
    keyboard.pause();
  }
}
