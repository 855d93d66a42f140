import { type Clock, monotonicMs } from "../kernel/index.ts";
import type { ProgressEvent } from "../wire/index.ts";
import { formatCount, formatDuration, formatMetric, formatQuantity } from "./format-values.ts";
import { displayWidth } from "./table.ts";
import { type Output, printable } from "./terminal.ts";

/** Nothing moves before this much time has passed: what is quick needs no bar. */
const PATIENCE_MS = 1_000;
const REPAINT_MS = 100;
/** Lines about one step, where nobody watches, come at most this often. */
const PLAIN_LINE_MS = 5_000;
const BAR_WIDTHS = [24, 16, 8];

type StepEvent = Extract<ProgressEvent, { kind: "step" }>;
type MovingEvent = Extract<ProgressEvent, { kind: "progress" | "iteration" }>;

export interface ProgressDisplay {
  readonly onProgress: (event: ProgressEvent) => void;
  /** Removes what moves; what has been finished stays. */
  close(): void;
}

export interface ProgressOptions {
  readonly err: Output;
  /** What is going on while no event has said so: `replaying`. */
  readonly label: string;
  readonly clock?: Clock;
}

/**
 * What a long operation reports, on stderr: finished steps stay as lines; the one under way is a bar that moves on a
 * terminal, and a line now and then elsewhere.
 */
export function openProgress({ err, label, clock = monotonicMs }: ProgressOptions): ProgressDisplay {
  const startedAt = clock();
  let active = { name: label, since: startedAt };
  let moving: MovingEvent | undefined;
  let shown = false;
  let lastPlainLine = startedAt;

  const erase = (): void => {
    if (shown) err.write("\r\x1b[2K");
    shown = false;
  };
  const repaint = (): void => {
    if (clock() - startedAt < PATIENCE_MS) return;
    const line = movingLine({ name: active.name, moving, elapsed: clock() - active.since }, err);
    err.write(`\r\x1b[2K${line}`);
    shown = true;
  };
  const timer = err.live ? setInterval(repaint, REPAINT_MS) : undefined;

  const writeLine = (line: string): void => {
    erase();
    err.write(`${line}\n`);
    lastPlainLine = clock();
  };

  return {
    onProgress: (event) => {
      switch (event.kind) {
        case "note":
          writeLine(`  ${printable(event.text)}`);
          break;
        case "step":
          moving = undefined;
          if (event.state === "running") active = { name: event.step, since: clock() };
          else writeLine(stepLine(event, err));
          break;
        case "log":
          for (const line of event.lines) writeLine(err.paint("dim", `  ${printable(line)}`));
          break;
        case "progress":
        case "iteration":
          moving = event;
          if (!err.live && hasBegun(event) && clock() - lastPlainLine >= PLAIN_LINE_MS) {
            writeLine(`  ${active.name}: ${describeMoving(event)}`);
          }
          break;
      }
    },
    close: () => {
      clearInterval(timer);
      erase();
    },
  };
}

function stepLine(event: StepEvent, { paint }: Output): string {
  const marks = {
    finished: paint("green", "✓"),
    reused: paint("green", "↺"),
    failed: paint("red", "✗"),
    interrupted: paint("yellow", "■"),
    waiting: paint("dim", "·"),
    running: paint("cyan", "●"),
  } as const;
  const detail = event.detail === undefined ? "" : `  ${printable(event.detail)}`;
  const duration =
    event.durationMs === undefined ? "" : paint("dim", `  ${formatDuration(event.durationMs)}`);
  const reused = event.state === "reused" ? paint("dim", "  as before") : "";
  const notes = (event.notes ?? []).map((note) => `\n    ${printable(note)}`);
  return `${marks[event.state]} ${event.step.padEnd(10)}${detail}${reused}${duration}${notes.join("")}`;
}

function movingLine(
  at: { readonly name: string; readonly moving: MovingEvent | undefined; readonly elapsed: number },
  { paint, width }: Output,
): string {
  const elapsed = formatDuration(at.elapsed);
  const head = `${paint("cyan", "●")} ${at.name.padEnd(10)}`;
  if (!at.moving) return `${head}  ${paint("dim", elapsed)}`;
  const text = describeMoving(at.moving);
  const share = shareOf(at.moving);
  const time = paint("dim", elapsed);
  const bars =
    share === undefined ? [] : BAR_WIDTHS.map((length) => `  ${drawBar(share, { length, paint })}`);
  const percent = share === undefined ? "" : `  ${Math.floor(share * 100)} %`;
  const lines = [...bars, ""].map((bar) => `${head}${bar}  ${text}  ${time}`);
  // The longest that fits: a line that wraps could not be erased.
  return lines.find((line) => displayWidth(line) < width()) ?? `${head}${percent}`;
}

const hasBegun = (event: MovingEvent): boolean =>
  (event.kind === "progress" ? event.done : event.iteration) > 0;

function describeMoving(event: MovingEvent): string {
  if (event.kind === "progress") {
    const unit = event.unit ?? "";
    return event.of === undefined
      ? formatQuantity(event.done, unit).trim()
      : `${formatCount(event.done)} of ${formatQuantity(event.of, unit)}`.trim();
  }
  const scores = [
    event.train === null ? "" : `train ${formatMetric(event.train)}`,
    event.validate === null ? "" : `validate ${formatMetric(event.validate)}`,
  ].filter((score) => score !== "");
  const metric = scores.length === 0 ? "" : `  ${event.metric} ${scores.join(", ")}`;
  const of = event.of === 0 ? "" : `/${formatCount(event.of)}`;
  return `${formatCount(event.iteration)}${of}${metric}`;
}

function shareOf(event: MovingEvent): number | undefined {
  const [done, of] = event.kind === "progress" ? [event.done, event.of] : [event.iteration, event.of];
  return of === undefined || of === 0 ? undefined : Math.min(1, done / of);
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;

function drawBar(
  share: number,
  { length, paint }: { readonly length: number; readonly paint: Output["paint"] },
): string {
  const eighths = Math.floor(share * length * 8);
  const filled = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
  return paint("cyan", filled) + paint("dim", "░".repeat(length - Math.ceil(eighths / 8)));
}
