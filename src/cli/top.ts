import { sleep, systemClock } from "../kernel/index.ts";
import { countOption, defineCommand, flag } from "./command.ts";
import type { Session } from "./session.ts";
import { type Activity, ratesBetween } from "./top/activity-rates.ts";
import { showLive } from "./top/live-screen.ts";
import { renderTop, type TopRoom } from "./top/top-screen.ts";

const DEFAULT_INTERVAL_S = 1;
/** A terminal that does not say how many lines it has. */
const USUAL_HEIGHT = 24;

export const topCommand = defineCommand({
  name: "top",
  summary: "Watch what happens: workers, models, refusals, the log.",
  details:
    "Repaints itself every second; q or Ctrl-C ends it. With --once, with --json, and where the output is no terminal, it watches for one interval and prints what happened.",
  parameters: {
    once: flag("--once", "Print once instead of repainting."),
    interval: countOption("--interval <seconds>", "How often it is painted anew. Default 1."),
  },
  examples: ["slipway top", "slipway top --once", "slipway top --json --interval 10"],
  reach: "server",
  run: async ({ once, interval = DEFAULT_INTERVAL_S }, session) => {
    const intervalMs = interval * 1000;
    const client = await session.client();
    const look = (): Promise<Activity> => client.call("activity", {}, { signal: session.signal });
    const { out } = session.terminal;
    if (once === true || session.json || !out.live || !process.stdin.isTTY) {
      const before = await look();
      // Where nothing runs there is nothing to wait for.
      if (before.running) await sleep(intervalMs, session.signal);
      const activity = await look();
      const rates = ratesBetween(before, activity);
      const room: TopRoom = { ...out, height: Number.POSITIVE_INFINITY, hint: "" };
      return {
        data: { ...rates, scaling: activity.scaling, at: activity.at, running: activity.running },
        text: () => renderTop({ activity, rates, now: systemClock() }, room),
      };
    }
    await watch(session, look, intervalMs);
    return undefined;
  },
});

async function watch(
  { terminal: { out }, signal }: Session,
  look: () => Promise<Activity>,
  intervalMs: number,
): Promise<void> {
  let before: Activity | undefined;
  await showLive({
    write: out.write,
    keyboard: process.stdin,
    intervalMs,
    signal,
    paint: async () => {
      const activity = await look();
      // The first look has nothing to compare itself with.
      const rates = ratesBetween(before ?? activity, activity);
      before = activity;
      const room: TopRoom = { ...out, height: process.stdout.rows ?? USUAL_HEIGHT, hint: "q quits" };
      // No line break behind the last line: it would scroll the screen.
      return renderTop({ activity, rates, now: systemClock() }, room).trimEnd();
    },
  });
}
