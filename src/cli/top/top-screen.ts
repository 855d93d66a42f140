import { stripVTControlCharacters } from "node:util";
import { formatAge, formatBytes, formatCount } from "../format-values.ts";
import { type Column, displayWidth, renderTable } from "../table.ts";
import { type Output, printable, type Style } from "../terminal.ts";
import type { Activity, ActivityRates, ArmRates, RefusalRates } from "./activity-rates.ts";

export interface TopScreen {
  readonly activity: Activity;
  readonly rates: ActivityRates;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** How it is painted, and what room there is. */
export interface TopRoom extends Pick<Output, "paint" | "width"> {
  /** Lines; without end where nobody watches. */
  readonly height: number;
  /** Said at the end of the first line. */
  readonly hint: string;
}

/** A column that is left out where there is no room; those with the highest number first. */
interface FittingColumn<Row> extends Column<Row> {
  readonly dispensable?: number;
}

const SCALING_LINES = 3;
const REFUSAL_LINES = 8;

const STATES: Readonly<Record<string, Style>> = { ready: "green", starting: "yellow", draining: "yellow" };

/** What happens on a server, as lines that fit the room. */
export function renderTop(screen: TopScreen, room: TopRoom): string {
  const { activity, rates, now } = screen;
  const lines = [
    headLine(screen, room),
    ...(activity.running ? [] : [room.paint("yellow", "  no server is running for this project")]),
    totalsLine(rates, room),
    "",
    ...table(workerColumns, rates.workers, room),
    ...(rates.arms.length === 0 ? [] : ["", ...table(armColumns, byRate(rates.arms), room)]),
    ...(rates.refusals.length === 0
      ? []
      : ["", ...table(refusalColumns, byRate(rates.refusals).slice(0, REFUSAL_LINES), room)]),
    ...scalingLines(activity, now, room),
  ];
  const fitting = lines.map((line) => cut(line, room.width()));
  const shown =
    fitting.length <= room.height
      ? fitting
      : [...fitting.slice(0, Math.max(0, room.height - 1)), cut("  …", room.width())];
  return shown.map((line) => `${line}\n`).join("");
}

function headLine({ activity, now }: TopScreen, { paint, hint }: TopRoom): string {
  const since = activity.since === null ? "" : `started ${formatAge(activity.since, now)}`;
  const time = new Date(now).toISOString().slice(11, 19);
  return [paint("bold", "slipway top"), since, `${time} UTC`, paint("dim", hint)]
    .filter((part) => part !== "")
    .join("  ");
}

function totalsLine({ requests, errors, log, workers }: ActivityRates, { paint }: TopRoom): string {
  const ready = workers.filter(({ isReady }) => isReady).length;
  const refused = `${formatRate(errors)} refused/s`;
  const unlogged = log.failedGroups > 0 ? [paint("red", "the log cannot be written")] : [];
  return `  ${[
    `${ready} of ${workers.length} workers ready`,
    `${formatRate(requests)} answers/s`,
    errors > 0 ? paint("yellow", refused) : refused,
    `log ${formatBytes(Math.round(log.bytes))}/s`,
    ...unlogged,
  ].join("   ")}`;
}

const workerColumns: readonly FittingColumn<ActivityRates["workers"][number]>[] = [
  { title: "  worker", cell: ({ pid }) => `  ${pid}` },
  {
    title: "state",
    cell: ({ state, isReady }) => ({
      text: state === "ready" && !isReady ? "not ready" : state,
      style: state === "ready" && !isReady ? "red" : (STATES[state] ?? "yellow"),
    }),
  },
  { title: "cpu", align: "right", cell: ({ cpu }) => `${Math.round(cpu * 100)} %` },
  {
    title: "memory",
    align: "right",
    cell: ({ residentBytes }) => formatBytes(residentBytes),
    dispensable: 1,
  },
  {
    title: "loop delay",
    align: "right",
    cell: ({ loopDelayMs }) => formatLatency(loopDelayMs / 1000),
    dispensable: 3,
  },
  { title: "in hand", align: "right", cell: ({ inFlight }) => formatCount(inFlight), dispensable: 2 },
  {
    title: "connections",
    align: "right",
    cell: ({ connections }) => formatCount(connections),
    dispensable: 4,
  },
  { title: "requests/s", align: "right", cell: ({ requestRate }) => formatRate(requestRate) },
  { title: "restarts", align: "right", cell: ({ restarts }) => restarts, dispensable: 5 },
];

const armColumns: readonly FittingColumn<ArmRates>[] = [
  { title: "  model", cell: ({ model }) => `  ${model}`, shrinks: true },
  { title: "version", align: "right", cell: ({ version }) => `v${version}` },
  { title: "arm", cell: ({ arm }) => arm, dispensable: 2 },
  { title: "answers/s", align: "right", cell: ({ requests }) => formatRate(requests) },
  { title: "rows/s", align: "right", cell: ({ instances }) => formatRate(instances), dispensable: 3 },
  { title: "p50", align: "right", cell: ({ p50 }) => formatLatency(p50), dispensable: 1 },
  { title: "p99", align: "right", cell: ({ p99 }) => formatLatency(p99) },
];

const refusalColumns: readonly FittingColumn<RefusalRates>[] = [
  { title: "  refused because", cell: ({ code }) => `  ${code}`, shrinks: true },
  { title: "model", cell: ({ model }) => model, dispensable: 1, shrinks: true },
  { title: "requests/s", align: "right", cell: ({ requests }) => formatRate(requests) },
  { title: "in all", align: "right", cell: ({ total }) => formatCount(total), dispensable: 2 },
];

function scalingLines({ scaling }: Activity, now: number, { paint }: TopRoom): string[] {
  if (scaling.length === 0) return [];
  const recent = scaling.slice(0, SCALING_LINES).map(({ at, action, workers, reason }) => {
    const what = action === "started" ? "started a worker" : "stopped a worker";
    return `  ${formatAge(at, now)}: ${what}, ${workers} then: ${printable(reason)}`;
  });
  return ["", paint("dim", "  scaling"), ...recent];
}

function byRate<Row extends { readonly requests: number }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((left, right) => right.requests - left.requests);
}

/** The table without as many of its columns as it takes to fit. */
function table<Row>(columns: readonly FittingColumn<Row>[], rows: readonly Row[], room: TopRoom): string[] {
  let kept = columns;
  for (;;) {
    const lines = renderTable(kept, rows, room).split("\n").slice(0, -1);
    const droppable = kept.filter(({ dispensable }) => dispensable !== undefined);
    if (droppable.length === 0 || lines.every((line) => displayWidth(line) <= room.width())) return lines;
    const least = Math.max(...droppable.map(({ dispensable }) => dispensable!));
    kept = kept.filter(({ dispensable }) => dispensable !== least);
  }
}

/** A line that is too long even so loses its colours and its end. */
function cut(line: string, width: number): string {
  if (displayWidth(line) <= width) return line;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(stripVTControlCharacters(line))) {
    if (displayWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** `0`, `0.4`, `12`, `12,345` */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0";
  return perSecond < 10 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}

/** `85 µs`, `1.2 ms`, `340 ms`, `2.1 s` */
export function formatLatency(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return `${seconds.toFixed(1)} s`;
}
