import { type Clock, monotonicMs } from "../kernel/index.ts";
import { LiveWindows, type ModelWindows, withTime } from "../stream/index.ts";
import { DEFAULT_ADMISSION_LIMITS } from "./admission.ts";
import type { RecommendRequest } from "./candidates.ts";
import type { DataPlaneOptions } from "./data-plane-options.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { DEFAULT_IMAGE_RULES } from "./model-images.ts";
import { OpenCalls } from "./open-calls.ts";
import type {
  Instances,
  Prediction,
  ResolvedInstances,
  ResolvedRequest,
  ThreadedPrediction,
} from "./prediction.ts";
import { PredictionCounts } from "./prediction-counts.ts";
import { inputWithTexts } from "./prediction-frame.ts";
import { newIncarnation } from "./prediction-id.ts";
import { type LogCounts, PredictionLog, type Waiting } from "./prediction-log.ts";
import { type Recommendation, recommend } from "./recommend.ts";
import { badInstance, closed, noInstances, notFinite, tooManyInstances } from "./refusals.ts";
import type { ApplyReport, RoutingSnapshot } from "./routing.ts";
import { lookAtAll, type SeenPast } from "./seen-past.ts";
import { ServedModels } from "./served-models.ts";
import type { ModelRuns, ModelStatus, ServedVersion, VersionSelector } from "./served-version.ts";
import { Arm } from "./serving-table.ts";
import { progressOf, type StreamProgress } from "./stream-progress.ts";
import type { ThreadedAnswers } from "./threaded-model.ts";
import { WorkQueue } from "./work-queue.ts";

/** Answers predictions with the bundles that the last routing snapshot names, and logs every one of them. */
export interface DataPlane {
  /** Names this life of the worker in prediction ids and log segments. */
  readonly incarnation: string;
  readonly maxInstances: number;
  /** Kept by the protocols: what was answered and how fast. */
  readonly counts: PredictionCounts;
  /** What is computed on the event loop goes through it. */
  readonly queue: WorkQueue;
  /**
   * Loads, verifies and warms what a newer snapshot names, then swaps at once. What is already loaded is kept. A model
   * whose champion does not load keeps serving what it served before. Never rejects: problems are in the report.
   */
  apply(routing: RoutingSnapshot): Promise<ApplyReport>;
  /** The generation being served; 0 before the first. */
  generation(): number;
  /** The share of each model's requests that is logged in full, by its name; those that are not named are logged whole. */
  sample(shares: ReadonlyMap<string, number>): void;
  /** Whether this worker should get traffic; worked out when models are swapped, see `nextReadiness`. */
  ready(): boolean;
  /** The configured models that do not answer. */
  unready(): readonly string[];
  /** The same array until the next swap. */
  models(): readonly ModelStatus[];
  /**
   * The version that answers a request.
   * @throws SERVING_NOT_READY, SERVING_UNKNOWN_MODEL, SERVING_UNKNOWN_VERSION, SERVING_UNKNOWN_LABEL, SERVING_MODEL_UNAVAILABLE
   */
  find(model: string, selector?: VersionSelector): ServedVersion;
  /**
   * Keeps a version open, should it be swapped out, until the function that this gives is called. Who does not ask the version in
   * the turn of the event loop that found it, holds it: what nobody holds is closed by a swap.
   */
  hold(served: ServedVersion): () => void;
  /**
   * Predicts and logs; the result must not leave the process before `waiting.acknowledge()` has been called, which
   * happens at the end of this turn of the event loop. All instances are predicted or none.
   * @throws SERVING_BAD_INSTANCE, SERVING_NO_INSTANCES, SERVING_TOO_MANY_INSTANCES, SERVING_NOT_FINITE; `waiting` is not called then
   */
  predict(served: ServedVersion, instances: Instances, waiting: Waiting): Prediction;
  /**
   * `predict` for a model on a thread of its own: it is logged when the model has answered, in the turn of the event loop that
   * settles the promise.
   *
   * Rejects with SERVING_BUSY when the model has too many calls open, SERVING_OVERLOADED when it would come too late,
   * SERVING_DEADLINE_EXCEEDED when it did, INFERENCE_* for what the model cannot do, and what
   * `predict` throws. `waiting` is not called then.
   */
  predictOnThread(served: ServedVersion, instances: Instances, waiting: Waiting): Promise<ThreadedPrediction>;
  /**
   * The best of many candidates, logged as one prediction; see `predict`.
   *
   * Rejects with SERVING_BAD_CANDIDATES, SERVING_CANNOT_RECOMMEND, and what `predict` throws. `waiting` is not called then.
   */
  recommend(served: ServedVersion, request: RecommendRequest, waiting: Waiting): Promise<Recommendation>;
  /** Answered instances so far. */
  predictionCount(): number;
  logCounts(): LogCounts;
  /** Of every version whose requests may be run together. */
  modelRuns(): readonly ModelRuns[];
  /** How far the windows of the models have followed the stream; undefined while no model has windows. */
  streamProgress(): StreamProgress | undefined;
  /** Flushes and closes the log. */
  close(): Promise<void>;
}

const DEFAULT_MAX_INSTANCES = 10_000;
const DEFAULT_MERGED_ROWS = 32;
const DEFAULT_MAX_OPEN_CALLS = 256;

/** @throws STORAGE_IO when the log's directory cannot be used */
export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return new LocalDataPlane(options);
}

class LocalDataPlane implements DataPlane {
  readonly maxInstances: number;
  readonly counts: PredictionCounts;
  readonly queue: WorkQueue;
  readonly #log: PredictionLog;
  readonly #windows: LiveWindows;
  readonly #clock: Clock;
  readonly #served: ServedModels;
  #predictions = 0;
  #closed = false;
  readonly #calls: OpenCalls;
  /** Undefined while all models are logged whole. */
  #shares: ReadonlyMap<string, number> | undefined;
  /** What is answered in a later turn of the event loop. */
  readonly #unanswered = new Set<Promise<unknown>>();

  constructor(options: DataPlaneOptions) {
    this.maxInstances = options.maxInstances ?? DEFAULT_MAX_INSTANCES;
    this.#clock = options.clock;
    this.counts = new PredictionCounts(options.clock);
    const admission = { ...DEFAULT_ADMISSION_LIMITS, ...options.admission };
    const { maxOpenCalls = DEFAULT_MAX_OPEN_CALLS } = options;
    this.#calls = new OpenCalls({ maxWaitMs: admission.maxWaitMs, maxOpenCalls }, monotonicMs);
    this.queue = new WorkQueue({
      limits: admission,
      clock: monotonicMs,
      nextTurn: setImmediate,
    });
    this.#windows = options.windows ?? new LiveWindows({ clock: options.clock });
    this.#log = new PredictionLog({
      directory: options.logDirectory,
      clock: options.clock,
      incarnation: newIncarnation(options.clock),
      durability: options.durability ?? "os",
      onFlush: () => this.queue.endTurn(),
      ...(options.maxSegmentBytes === undefined ? {} : { maxSegmentBytes: options.maxSegmentBytes }),
      ...(options.maxSegmentMs === undefined ? {} : { maxSegmentMs: options.maxSegmentMs }),
      ...(options.maxLogBytes === undefined ? {} : { maxLogBytes: options.maxLogBytes }),
      onFull: options.onLogFull ?? "refuse",
    });
    this.#served = new ServedModels({
      blobs: options.blobs,
      trust: options.trust,
      images: options.images ?? DEFAULT_IMAGE_RULES,
      mergedRows: options.mergedRows ?? DEFAULT_MERGED_ROWS,
      windows: this.#windows,
      incarnation: this.#log.incarnation,
      joinsServing: options.joinsServing ?? false,
    });
  }

  get incarnation(): string {
    return this.#log.incarnation;
  }

  apply(routing: RoutingSnapshot): Promise<ApplyReport> {
    return this.#served.apply(routing);
  }

  generation(): number {
    return this.#served.table.generation;
  }

  sample(shares: ReadonlyMap<string, number>): void {
    this.#shares = shares.size === 0 ? undefined : shares;
  }

  ready(): boolean {
    return !this.#closed && this.#served.ready();
  }

  unready(): readonly string[] {
    return this.#served.unready();
  }

  models(): readonly ModelStatus[] {
    return this.#served.table.statuses;
  }

  find(name: string, selector?: VersionSelector): ServedVersion {
    return this.#served.find(name, selector);
  }

  hold(served: ServedVersion): () => void {
    if (!(served instanceof Arm)) throw new TypeError("only what find() answered can be held");
    return this.#served.hold(served);
  }

  predict(served: ServedVersion, instances: Instances, waiting: Waiting): Prediction {
    if (!(served instanceof Arm)) throw new TypeError("only what find() answered can be asked to predict");
    const { loaded } = served;
    if (loaded.runs !== "inline" || loaded.images !== undefined)
      throw new TypeError("a model on a thread of its own answers later");
    return this.#predict(served, loaded, { instances, waiting });
  }

  #predict(served: Arm, loaded: LoadedModel, request: ResolvedRequest): Prediction {
    const { instances, waiting, images } = request;
    const { records } = instances;
    const { template } = served;
    this.#check(served, records);
    const input = instances.json ?? Buffer.from(JSON.stringify(records));
    const { width } = loaded;
    const windows = served.windows && {
      streamSequence: served.windows.sequence,
      derivedCount: loaded.derivedNames.length,
    };
    this.#log.begin(template, {
      instances: records.length,
      featureCount: loaded.features.length,
      width,
      input,
      windows,
      share: this.#shares?.get(served.model),
    });
    const outputs =
      width === 1
        ? this.#predictOne(served, loaded, { records, images })
        : this.#predictAll(served, loaded, { records, images });
    this.#predictions += records.length;
    const id = this.#log.append(waiting);
    return windows === undefined
      ? { id, width, outputs }
      : { id, width, outputs, streamSequence: windows.streamSequence };
  }

  #check(served: Arm, { length }: Instances["records"]): void {
    if (length === 0) throw noInstances(served);
    if (length > this.maxInstances) throw tooManyInstances(served, length, this.maxInstances);
    if (this.#closed) throw closed();
  }

  #predictOne(served: Arm, loaded: LoadedModel, { records, images }: ResolvedInstances): number[] {
    const { windows } = served;
    const outputs: number[] = [];
    for (let i = 0; i < records.length; i++) {
      let output: number;
      try {
        output =
          windows === undefined
            ? loaded.predict(records[i]!, images?.[i])
            : loaded.predict(this.#look(windows, records[i]!, images?.[i]), windows.values);
      } catch (thrown) {
        throw badInstance(thrown, served, i);
      }
      if (!Number.isFinite(output)) throw notFinite(served, i, output);
      this.#log.put(loaded.featureBytes, output);
      outputs.push(output);
    }
    return outputs;
  }

  #predictAll(served: Arm, loaded: LoadedModel, { records, images }: ResolvedInstances): number[] {
    const { windows } = served;
    const outputs: number[] = [];
    for (let i = 0; i < records.length; i++) {
      let own: Float64Array;
      try {
        own =
          windows === undefined
            ? loaded.predictAll(records[i]!, images?.[i])
            : loaded.predictAll(this.#look(windows, records[i]!, images?.[i]), windows.values);
      } catch (thrown) {
        throw badInstance(thrown, served, i);
      }
      for (const output of own) {
        if (!Number.isFinite(output)) throw notFinite(served, i, output);
        outputs.push(output);
      }
      this.#log.putAll(loaded.featureBytes, own);
    }
    return outputs;
  }

  async predictOnThread(
    served: ServedVersion,
    instances: Instances,
    waiting: Waiting,
  ): Promise<ThreadedPrediction> {
    if (!(served instanceof Arm)) throw new TypeError("only what find() answered can be asked to predict");
    this.#check(served, instances.records);
    const release = this.#served.hold(served);
    try {
      return await this.#calls.through(served, deadlineOf(waiting), () =>
        this.#predictHeld(served, instances, waiting),
      );
    } finally {
      release();
    }
  }

  async #predictHeld(served: Arm, instances: Instances, waiting: Waiting): Promise<ThreadedPrediction> {
    const { loaded } = served;
    if (loaded.runs === "inline")
      return await this.#predictWithImages(served, loaded, { instances, waiting });
    const past =
      served.windows &&
      lookAtAll(served.windows, instances.records, {
        timeMs: Math.trunc(this.#clock()),
        fault: (thrown, instance) => badInstance(thrown, served, instance),
      });
    const answered = loaded.predict(past?.records ?? instances.records, {
      derived: past?.derived ?? NOTHING_DERIVED,
      onWrong: ({ instance, error }) => {
        throw badInstance(error, served, instance);
      },
    });
    this.#unanswered.add(answered);
    try {
      const answers = await answered;
      this.#calls.requireInTime(served, deadlineOf(waiting));
      return this.#logAnswers(served, instances, { answers, past, waiting });
    } finally {
      this.#unanswered.delete(answered);
    }
  }

  /** Looks into the images first; then it is a prediction like any other. */
  async #predictWithImages(
    served: Arm,
    loaded: LoadedModel,
    request: ResolvedRequest,
  ): Promise<ThreadedPrediction> {
    const { images } = loaded;
    if (images === undefined) throw new TypeError("this model answers at once");
    const read = images.read(request.instances.records, ({ instance, error }) => {
      throw badInstance(error, served, instance);
    });
    this.#unanswered.add(read);
    try {
      const values = await read;
      this.#calls.requireInTime(served, deadlineOf(request.waiting));
      return {
        ...this.#predict(served, loaded, { ...request, images: values }),
        texts: [],
        tensors: undefined,
      };
    } finally {
      this.#unanswered.delete(read);
    }
  }

  #logAnswers(
    served: Arm,
    { records, json }: Instances,
    given: {
      readonly answers: ThreadedAnswers;
      readonly past: SeenPast | undefined;
      readonly waiting: Waiting;
    },
  ): ThreadedPrediction {
    const { past, waiting } = given;
    const { features, outputs, width, texts, tensors } = given.answers;
    for (let i = 0; i < outputs.length; i++)
      if (!Number.isFinite(outputs[i]!)) throw notFinite(served, Math.floor(i / width), outputs[i]!);
    const list = json ?? Buffer.from(JSON.stringify(records));
    const input = texts.length === 0 ? list : inputWithTexts(list, texts);
    const featureCount = features.length / records.length;
    const windows = past?.windows;
    this.#log.begin(served.template, {
      instances: records.length,
      featureCount,
      width,
      input,
      windows,
      share: this.#shares?.get(served.model),
    });
    const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
    for (let i = 0; i < records.length; i++) {
      if (past !== undefined) {
        const { derivedCount } = past.windows;
        this.#log.putWindows(past.times[i]!, past.derived.subarray(i * derivedCount, (i + 1) * derivedCount));
      }
      this.#log.putAll(
        bytes.subarray(i * featureCount * 8, (i + 1) * featureCount * 8),
        outputs.subarray(i * width, (i + 1) * width),
      );
    }
    this.#predictions += records.length;
    const prediction = {
      id: this.#log.append(waiting),
      width,
      outputs: Array.from(outputs),
      texts,
      tensors,
    };
    return windows === undefined ? prediction : { ...prediction, streamSequence: windows.streamSequence };
  }

  /** Asks the windows about a record, logs what they say, and answers the record with its time. */
  #look(windows: ModelWindows, given: Instances["records"][number], images?: Float64Array): typeof given {
    const { values, program } = windows;
    const record = withTime(given, { time: program.time, timeMs: Math.trunc(this.#clock()) });
    // The windows write their own places; those of images are written before.
    if (images !== undefined) values.set(images);
    const timeMs = windows.resolve(record);
    this.#log.putWindows(timeMs, values);
    return record;
  }

  async recommend(
    served: ServedVersion,
    request: RecommendRequest,
    waiting: Waiting,
  ): Promise<Recommendation> {
    if (!(served instanceof Arm)) throw new TypeError("only what find() answered can be asked to recommend");
    if (this.#closed) throw closed();
    const ranking = this.#calls.through(served, deadlineOf(waiting), () =>
      recommend(served, request, {
        log: this.#log,
        clock: this.#clock,
        waiting,
        share: this.#shares?.get(served.model),
      }),
    );
    this.#unanswered.add(ranking);
    try {
      const recommended = await ranking;
      this.#predictions += recommended.items.length;
      return recommended;
    } finally {
      this.#unanswered.delete(ranking);
    }
  }

  predictionCount(): number {
    return this.#predictions;
  }

  modelRuns(): readonly ModelRuns[] {
    return this.#served.modelRuns();
  }

  logCounts(): LogCounts {
    return this.#log.counts;
  }

  streamProgress(): StreamProgress | undefined {
    return progressOf(this.#windows);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#served.settled();
    // What models on threads have been asked is still answered and logged.
    await Promise.allSettled(this.#unanswered);
    await new Promise((resolve) => setImmediate(resolve));
    this.#log.close();
    await this.#served.close();
  }
}

function deadlineOf({ deadline = Number.POSITIVE_INFINITY }: Waiting): number {
  return deadline;
}

const NOTHING_DERIVED = new Float64Array(0);
