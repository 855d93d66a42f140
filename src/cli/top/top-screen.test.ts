import { EventEmitter } from "node:events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LATENCY_BUCKETS } from "../../telemetry/index.ts";
import { displayWidth } from "../table.ts";
import { ratesBetween } from "./activity-rates.ts";
import { type Keyboard, showLive } from "./live-screen.ts";
import { activityWith, armWith, workerWith } from "./testing/activity.ts";
import { formatLatency, formatRate, renderTop, type TopRoom } from "./top-screen.ts";

const NOW = Date.parse("2026-01-31T12:00:01.000Z");
const latencies = (count: number) =>
  Array.from({ length: LATENCY_BUCKETS + 1 }, (_, bucket) => (bucket === 9 ? count : 0));

const BUSY = activityWith({
  at: "2026-01-31T12:00:01.000Z",
  workers: [workerWith({ requests: 6_010 }), workerWith({ pid: 4712, isReady: false })],
  arms: [
    armWith({ requests: 12_001, instances: 24_002, latencies: latencies(12_001) }),
    armWith({ model: "a-model-with-a-very-long-name-indeed", version: 12, arm: "version" }),
  ],
  errors: [{ model: "late", code: "SERVING_BAD_INSTANCE", requests: 5 }],
  log: { predictions: 12_001, bytes: 3_400_000, failedGroups: 0 },
  scaling: [
    {
      at: "2026-01-31T11:58:00.000Z",
      action: "started",
      workers: 2,
      reason: "the workers used at least 97 % of a core each for 2 s (limit 90 %)",
    },
  ],
});

function screenOf(activity = BUSY, room: Partial<{ width: number; height: number }> = {}): string[] {
  const { width = Number.POSITIVE_INFINITY, height = Number.POSITIVE_INFINITY } = room;
  const painted: TopRoom = { paint: (_style, text) => text, width: () => width, height, hint: "q quits" };
  const text = renderTop({ activity, rates: ratesBetween(activityWith(), activity), now: NOW }, painted);
  return text.split("\n").slice(0, -1);
}

describe("the screen of top", () => {
  it("shows workers, models, refusals and why workers were started", () => {
    expect(screenOf()).toEqual([
      "slipway top  started 2 hours ago  12:00:01 UTC  q quits",
      "  1 of 2 workers ready   12,001 answers/s   5.0 refused/s   log 3.40 MB/s",
      "",
      "  worker  state       cpu  memory  loop delay  in hand  connections  requests/s  restarts",
      "  4711    ready      87 %  123 MB      1.3 ms        3           16       6,010         0",
      "  4712    not ready  87 %  123 MB      1.3 ms        3           16           0         0",
      "",
      "  model                                 version  arm       answers/s  rows/s     p50     p99",
      "  late                                       v1  champion     12,001  24,002  384 µs  509 µs",
      "  a-model-with-a-very-long-name-indeed      v12  version           0       0       –       –",
      "",
      "  refused because       model  requests/s  in all",
      "  SERVING_BAD_INSTANCE  late          5.0       5",
      "",
      "  scaling",
      "  2 minutes ago: started a worker, 2 then: the workers used at least 97 % of a core each for 2 s (limit 90 %)",
    ]);
  });

  it("fits every terminal, and keeps what matters most as long as it can", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 1, max: 30 }), (width, height) => {
        const lines = screenOf(BUSY, { width, height });
        expect(lines.length).toBeLessThanOrEqual(height);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
    const narrow = screenOf(BUSY, { width: 50 });
    expect(narrow).toContain("  worker  state       cpu  memory  requests/s");
    expect(narrow.find((line) => line.includes("late "))).toMatch(/v1.*12,001.*509 µs/);
  });

  it("says when nothing is running, and prints nothing that would command the terminal", () => {
    expect(screenOf(activityWith({ running: false, since: null })).join("\n")).toContain(
      "no server is running",
    );
    const evil = activityWith({ arms: [armWith({ model: "\x1b[2Jevil\n" })] });
    expect(screenOf(evil).join("\n")).not.toContain("\x1b");
  });

  it("writes numbers shortly", () => {
    expect([0, 0.25, 9.96, 10, 12_345.6].map(formatRate)).toEqual(["0", "0.3", "10.0", "10", "12,346"]);
    expect([undefined, 85e-6, 0.0012, 0.34, 2.1].map(formatLatency)).toEqual([
      undefined,
      "85 µs",
      "1.2 ms",
      "340 ms",
      "2.1 s",
    ]);
  });
});

class TestKeyboard extends EventEmitter implements Keyboard {
  readonly raw: boolean[] = [];
  setRawMode(raw: boolean): void {
    this.raw.push(raw);
  }
  resume = () => undefined;
  pause = () => undefined;
}

describe("a live screen", () => {
  const open = (paint: () => Promise<string>, signal = new AbortController().signal) => {
    const keyboard = new TestKeyboard();
    const written: string[] = [];
    const shown = showLive({ write: (text) => written.push(text), keyboard, paint, intervalMs: 1, signal });
    return { keyboard, written, shown };
  };
  const isRestored = ({ keyboard, written }: ReturnType<typeof open>): boolean =>
    written.at(-1)?.endsWith("\x1b[?25h\x1b[?1049l") === true &&
    keyboard.raw.at(-1) === false &&
    keyboard.listenerCount("data") === 0;

  it.each(["q", "Q", "\x03"])(
    "is painted again and again until %j is typed, and gives the terminal back",
    async (key) => {
      let times = 0;
      const screen = open(async () => {
        if (++times === 3) screen.keyboard.emit("data", Buffer.from(key));
        return `frame ${times}\nend`;
      });
      await screen.shown;
      expect(times).toBe(3);
      expect(screen.written.join("")).toContain("frame 3\x1b[K\r\nend\x1b[J");
      expect(isRestored(screen)).toBe(true);
    },
  );

  it("gives the terminal back when the server goes away and when the program is ended", async () => {
    const broken = open(() => Promise.reject(new Error("gone")));
    await expect(broken.shown).rejects.toThrow("gone");
    expect(isRestored(broken)).toBe(true);
    const ended = new AbortController();
    const screen = open(async () => {
      ended.abort();
      return "";
    }, ended.signal);
    await screen.shown;
    expect(isRestored(screen)).toBe(true);
  });
});
