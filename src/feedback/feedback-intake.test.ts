import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { mountTinyDisk } from "../../test/tiny-disk.ts";
import { FeedbackIntake, type FeedbackIntakeOptions, type FeedbackOutcome } from "./feedback-intake.ts";
import { newestFeedback } from "./feedback-reader.ts";

const ID = "01m80ew69eq9b6n900000004";

async function openRoom(options: Partial<FeedbackIntakeOptions> = {}) {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "slipway-feedback-")));
  let now = 1_700_000_000_000;
  let workers = 0;
  const worker = (more: Partial<FeedbackIntakeOptions> = {}) => {
    const intake = new FeedbackIntake({
      directory,
      clock: () => now++,
      incarnation: `worker${workers++}`,
      mayBeKnown: async ({ time }) => time > 0,
      ...options,
      ...more,
    });
    onTestFinished(() => intake.close());
    return intake;
  };
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return { directory, worker };
}

const said = (value: unknown, more: object = {}) => ({ predictionId: ID, value, ...more });
const names = (outcomes: readonly FeedbackOutcome[]) => outcomes.map(({ outcome }) => outcome);
const everything = (directory: string) => newestFeedback(directory, { filter: {}, limit: 1_000 });

describe("taking feedback", () => {
  it("keeps it before it resolves, once however often it is said", async () => {
    const { directory, worker } = await openRoom();
    const intake = worker();
    expect(await intake.take([said(1)])).toEqual([
      { outcome: "accepted", predictionId: ID, name: "target", unmatched: false },
    ]);
    expect(await everything(directory)).toMatchObject([{ predictionId: ID, name: "target", value: 1 }]);
    expect(names(await intake.take([said(1), said(1, { name: "target" })]))).toEqual([
      "duplicate",
      "duplicate",
    ]);
    expect(await everything(directory)).toHaveLength(1);
  });

  it("keeps another value as a correction, beside the first one", async () => {
    const { directory, worker } = await openRoom();
    const intake = worker();
    await intake.take([said(true), said(false, { name: "clicked" })]);
    expect(names(await intake.take([said(false), said(true)]))).toEqual(["corrected", "corrected"]);
    expect(
      (await everything(directory)).filter(({ name }) => name === "target").map(({ value }) => value),
    ).toEqual([true, false, true]);
  });

  it("knows what another worker took, and what was taken before a restart", async () => {
    const { worker } = await openRoom();
    const [one, two] = [worker(), worker()];
    await one.take([said("yes")]);
    expect(names(await two.take([said("yes"), said("no")]))).toEqual(["duplicate", "corrected"]);
    expect(names(await one.take([said("no"), said("yes")]))).toEqual(["duplicate", "corrected"]);
    one.close();
    expect(names(await worker().take([said("yes")]))).toEqual(["duplicate"]);
  });

  it("takes the good items of a request and says what is wrong with the others", async () => {
    const { directory, worker } = await openRoom();
    const intake = worker();
    const outcomes = await intake.take([
      said(1),
      { predictionId: "?", value: 1 },
      { predictionId: "0".repeat(24), value: 2 },
    ]);
    expect(outcomes).toMatchObject([
      { outcome: "accepted", unmatched: false },
      { outcome: "refused", error: { code: "SERVING_BAD_PREDICTION_ID" } },
      { outcome: "accepted", unmatched: true },
    ]);
    expect(await everything(directory)).toHaveLength(2);
    expect(intake.counts).toEqual({ accepted: 2, corrected: 0, duplicate: 0, refused: 1, unmatched: 1 });
  });

  it("refuses an empty request and one that is too long", async () => {
    const { worker } = await openRoom();
    const intake = worker({ maxItems: 2 });
    await expect(intake.take([])).rejects.toMatchObject({ code: "FEEDBACK_NO_ITEMS" });
    await expect(intake.take([1, 2, 3])).rejects.toMatchObject({ code: "FEEDBACK_TOO_MANY_ITEMS" });
  });

  it("shows the newest first, and of one prediction alone", async () => {
    const { directory, worker } = await openRoom();
    const intake = worker({ maxSegmentBytes: 200 });
    for (let i = 0; i < 30; i++) await intake.take([said(i, { predictionId: `${ID}.${i}` })]);
    const values = async (limit: number, filter = {}) =>
      (await newestFeedback(directory, { filter, limit })).map(({ value }) => value);
    expect(await values(3)).toEqual([29, 28, 27]);
    expect(await values(5, { predictionId: `${ID}.4` })).toEqual([4]);
    expect(await values(100, { predictionId: ID })).toHaveLength(30);
    expect(await values(100, { name: "other" })).toEqual([]);
  });
});

describe("a full disk", () => {
  it("refuses whole requests and forgets them: what is said again is new", async (context) => {
    const disk = mountTinyDisk(256);
    if (disk === undefined) return context.skip();
    const directory = join(disk.path, "feedback");
    const { worker } = await openRoom({ directory });
    onTestFinished(() => disk.unmount());
    const intake = worker();
    const acknowledged: number[] = [];
    let refused = 0;
    for (let round = 0; round < 40 && refused === 0; round++) {
      await Promise.all(
        Array.from({ length: 5 }, async (_, i) => {
          const n = round * 5 + i;
          const items = Array.from({ length: 40 }, (_, at) =>
            said(`${"x".repeat(90)}${n}`, { predictionId: `${ID}.${n * 40 + at}` }),
          );
          try {
            expect(names(await intake.take(items))).toEqual(items.map(() => "accepted"));
            acknowledged.push(n);
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: "FEEDBACK_LOG_FULL" });
            refused++;
          }
        }),
      );
    }
    expect(refused).toBeGreaterThan(0);
    const kept = await newestFeedback(directory, { filter: {}, limit: 100_000 });
    expect(kept).toHaveLength(acknowledged.length * 40);

    disk.grow(4_096);
    const again = await intake.take([
      said("later", { name: "other" }),
      said("x", { predictionId: `${ID}.999999` }),
    ]);
    expect(names(again)).toEqual(["accepted", "accepted"]);
  });
});
