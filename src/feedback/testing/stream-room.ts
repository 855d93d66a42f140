import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Clock } from "../../kernel/index.ts";
import {
  createDataPlane,
  type DataPlane,
  type Prediction,
  type RoutingSnapshot,
} from "../../serving/index.ts";
import { type BlobStore, openFileBlobs } from "../../storage/index.ts";
import { LiveWindows } from "../../stream/index.ts";
import { FeedbackIntake, type FeedbackOutcome } from "../feedback-intake.ts";
import { Sequencer, type SequencerOptions } from "../sequencer.ts";

type JsonRecord = Readonly<Record<string, unknown>>;

/** One worker: what its process is made of. */
export interface StreamWorker {
  readonly dataPlane: DataPlane;
  readonly windows: LiveWindows;
  /** Predicts and waits for the acknowledgement. */
  predict(model: string, ...records: readonly JsonRecord[]): Promise<Prediction>;
  say(predictionId: string, value: unknown, more?: object): Promise<FeedbackOutcome>;
  /** Ends it as SIGTERM does. */
  close(): Promise<void>;
}

export interface StreamRoom {
  readonly directory: string;
  readonly logs: Record<"predictions" | "feedback" | "stream" | "checkpoints", string>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  worker(routing: RoutingSnapshot): Promise<StreamWorker>;
  sequencer(options?: Partial<SequencerOptions>): Promise<Sequencer>;
}

/** The folders that workers and a sequencer share, removed after the test. */
export async function openStreamRoom(): Promise<StreamRoom> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-stream-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const blobs = openFileBlobs(join(directory, "blobs"));
  const logs = {
    predictions: join(directory, "log"),
    feedback: join(directory, "feedback"),
    stream: join(directory, "stream"),
    checkpoints: join(directory, "windows"),
  };
  let now = 1_700_000_000_000;
  const clock = () => now++;
  return {
    directory,
    logs,
    blobs,
    clock,
    worker: async (routing) => {
      const windows = new LiveWindows({ directory: logs.stream, checkpoints: logs.checkpoints, clock });
      const dataPlane = createDataPlane({ blobs, logDirectory: logs.predictions, clock, windows });
      const { incarnation } = dataPlane;
      const intake = new FeedbackIntake({
        directory: logs.feedback,
        clock,
        incarnation,
        mayBeKnown: async () => true,
      });
      const { problems } = await dataPlane.apply(routing);
      if (problems.length > 0) throw new Error(problems.join("; "));
      let closed = false;
      const close = async () => {
        if (closed) return;
        closed = true;
        intake.close();
        windows.close();
        await dataPlane.close();
      };
      onTestFinished(close);
      return {
        dataPlane,
        windows,
        predict: (model, ...records) =>
          new Promise((resolve, reject) => {
            const prediction = dataPlane.predict(
              dataPlane.find(model),
              { records, json: undefined },
              { acknowledge: () => resolve(prediction), refuse: reject },
            );
          }),
        say: async (predictionId, value, more = {}) =>
          (await intake.take([{ predictionId, value, ...more }]))[0]!,
        close,
      };
    },
    sequencer: async (options = {}) => {
      const sequencer = await Sequencer.open({
        predictionLog: logs.predictions,
        feedbackLog: logs.feedback,
        stream: logs.stream,
        clock,
        durability: "os",
        labelsOf: async () => [],
        ...options,
      });
      onTestFinished(() => sequencer.close());
      return sequencer;
    },
  };
}
