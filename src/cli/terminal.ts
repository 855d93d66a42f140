import { styleText } from "node:util";
import type { Settings } from "../config/index.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Writes `text` in a style, or as it is where colours are off. */
export type Paint = (style: Style, text: string) => string;

/** Answers go to stdout; progress, prose and errors to stderr, so that stdout can be piped. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
}

export interface Output {
  readonly write: (text: string) => void;
  readonly paint: Paint;
  /** True when somebody watches: lines may be overwritten. */
  readonly live: boolean;
  /** Columns; without end where nobody watches, so that nothing is cut off in a pipe. */
  readonly width: () => number;
}

export interface OutputStreams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

type Stream = Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns">;

export function openTerminal(
  settings: Pick<Settings, "noColor" | "forceColor" | "continuousIntegration">,
  streams: OutputStreams,
): Terminal {
  const open = (stream: Stream): Output => {
    const coloured = !settings.noColor && (settings.forceColor || stream.isTTY);
    return {
      write: (text) => void stream.write(text),
      paint: coloured
        ? (style, text) => styleText(style, text, { validateStream: false })
        : (_style, text) => text,
      live: stream.isTTY === true && !settings.continuousIntegration,
      width: () => (stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY),
    };
  };
  return { out: open(streams.stdout), err: open(streams.stderr) };
}

/** Text from data or from a server, without the control characters that would command the terminal. */
export function printable(text: string): string {
  return text.replace(/[\r\n\t\p{Zl}\p{Zp}]+/gu, " ").replace(/\p{Cc}|\p{Cf}/gu, "");
}
