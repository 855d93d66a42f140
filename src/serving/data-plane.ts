import type { CodeTrust } from "../bundle/index.ts";
import { type Clock, type Digest, digestOfJson, sleep } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { LiveWindows, type ModelWindows, withTime } from "../stream/index.ts";
import type { RecommendRequest } from "./candidates.ts";
import type { DataPlaneOptions } from "./data-plane-options.ts";
import { type LoadedModel, loadModel, type ServableModel, warm } from "./loaded-model.ts";
import { DEFAULT_IMAGE_RULES, type ImageRules } from "./model-images.ts";
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
import {
  badInstance,
  busy,
  closed,
  noInstances,
  notFinite,
  notReady,
  tooManyInstances,
  unavailable,
  unknownLabel,
  unknownModel,
  unknownVersion,
} from "./refusals.ts";
import { type ApplyReport, parseRouting, type RoutingSnapshot } from "./routing.ts";
import { lookAtAll, type SeenPast } from "./seen-past.ts";
import type { ModelStatus, ServedVersion, VersionSelector } from "./served-version.ts";
import {
  Arm,
  type Closable,
  closablesOf,
  EMPTY_TABLE,
  prepareTable,
  type ServingTable,
} from "./serving-table.ts";
import { progressOf, type StreamProgress } from "./stream-progress.ts";
import type { ThreadedAnswers } from "./threaded-model.ts";

/** Answers predictions with the bundles that the last routing snapshot names, and logs every one of them. */
export interface DataPlane {
  /** Names this life of the worker in prediction ids and log segments. */
  readonly incarnation: string;
  readonly maxInstances: number;
  /** Kept by the protocols: what was answered and how fast. */
  readonly counts: PredictionCounts;
  /**
   * Loads, verifies and warms what a newer snapshot names, then swaps at once. What is already loaded is kept. A model
   * whose champion does not load keeps serving what it served before. Never rejects: problems are in the report.
   */
  apply(routing: RoutingSnapshot): Promise<ApplyReport>;
  /** The generation being served; 0 before the first. */
  generation(): number;
  /**
   * True when a snapshot is served and, if it names models, at least one of them answers. One broken model must not take
   * the worker away from the others; each has a readiness of its own.
   */
  ready(): boolean;
  /** The same array until the next swap. */
  models(): readonly ModelStatus[];
  /**
   * The version that answers a request.
   * @throws SERVING_NOT_READY, SERVING_UNKNOWN_MODEL, SERVING_UNKNOWN_VERSION, SERVING_UNKNOWN_LABEL, SERVING_MODEL_UNAVAILABLE
   */
  find(model: string, selector?: VersionSelector): ServedVersion;
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
   * Rejects with SERVING_BUSY when the model has too many calls open, INFERENCE_* for what the model cannot do, and what
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
  /** How far the windows of the models have followed the stream; undefined while no model has windows. */
  streamProgress(): StreamProgress | undefined;
  /** Flushes and closes the log. */
  close(): Promise<void>;
}

const DEFAULT_MAX_INSTANCES = 10_000;
const DEFAULT_MAX_OPEN_CALLS = 256;
/** A request may have found its model before the swap and ask it only when its body has arrived. */
const LAST_CALLS_MS = 60_000;

/** @throws STORAGE_IO when the log's directory cannot be used */
export function createDataPlane(options: DataPlaneOptions): DataPlane {
  return new LocalDataPlane(options);
}

class LocalDataPlane implements DataPlane {
  readonly maxInstances: number;
  readonly counts: PredictionCounts;
  readonly #blobs: BlobStore;
  readonly #trust: CodeTrust | undefined;
  readonly #log: PredictionLog;
  readonly #windows: LiveWindows;
  readonly #clock: Clock;
  #table: ServingTable = EMPTY_TABLE;
  #applying: Promise<unknown> = Promise.resolve();
  #predictions = 0;
  #closed = false;
  readonly #maxOpenCalls: number;
  readonly #images: ImageRules;
  /** What is answered in a later turn of the event loop. */
  readonly #unanswered = new Set<Promise<unknown>>();
  readonly #ending = new AbortController();
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: DataPlaneOptions) {
    this.maxInstances = options.maxInstances ?? DEFAULT_MAX_INSTANCES;
    this.#maxOpenCalls = options.maxOpenCalls ?? DEFAULT_MAX_OPEN_CALLS;
    this.#images = options.images ?? DEFAULT_IMAGE_RULES;
    this.#blobs = options.blobs;
    this.#trust = options.trust;
    this.#clock = options.clock;
    this.counts = new PredictionCounts(options.clock);
    this.#windows = options.windows ?? new LiveWindows({ clock: options.clock });
    this.#log = new PredictionLog({
      directory: options.logDirectory,
      clock: options.clock,
      incarnation: newIncarnation(options.clock),
      durability: options.durability ?? "os",
      ...(options.maxSegmentBytes === undefined ? {} : { maxSegmentBytes: options.maxSegmentBytes }),
    });
  }

  get incarnation(): string {
    return this.#log.incarnation;
  }

  apply(routing: RoutingSnapshot): Promise<ApplyReport> {
    const applied = this.#applying.then(() => this.#apply(routing));
    this.#applying = applied;
    return applied;
  }

  generation(): number {
    return this.#table.generation;
  }

  ready(): boolean {
    const { generation, statuses } = this.#table;
    if (this.#closed || generation === 0) return false;
    return statuses.length === 0 || statuses.some((status) => status.ready);
  }

  models(): readonly ModelStatus[] {
    return this.#table.statuses;
  }

  find(name: string, selector: VersionSelector = {}): ServedVersion {
    const model = this.#table.models.get(name);
    if (model === undefined)
      throw this.#table.generation === 0 ? notReady() : unknownModel(name, [...this.#table.models.keys()]);
    const { version, label } = selector;
    if (label !== undefined && label !== "champion") throw unknownLabel(name, label);
    if (version === undefined) {
      if (model.champion === undefined) throw unavailable(model.status, undefined);
      return model.champion;
    }
    const arm = model.arms.get(version);
    if (arm !== undefined) return arm;
    if (model.status.versions.some((entry) => entry.version === version))
      throw unavailable(model.status, version);
    throw unknownVersion(model.status, version);
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
    const { loaded } = served;
    this.#check(served, instances.records);
    if (loaded.runs === "inline")
      return await this.#predictWithImages(served, loaded, { instances, waiting });
    if (loaded.openCalls() >= this.#maxOpenCalls) throw busy(served, this.#maxOpenCalls);
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
      return this.#logAnswers(served, instances, { answers: await answered, past, waiting });
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
    if (images.openCalls() >= this.#maxOpenCalls) throw busy(served, this.#maxOpenCalls);
    const read = images.read(request.instances.records, ({ instance, error }) => {
      throw badInstance(error, served, instance);
    });
    this.#unanswered.add(read);
    try {
      const values = await read;
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
    this.#log.begin(served.template, { instances: records.length, featureCount, width, input, windows });
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
    const ranking = recommend(served, request, { log: this.#log, clock: this.#clock, waiting });
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

  logCounts(): LogCounts {
    return this.#log.counts;
  }

  streamProgress(): StreamProgress | undefined {
    return progressOf(this.#windows);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#applying;
    // What models on threads have been asked is still answered and logged.
    await Promise.allSettled(this.#unanswered);
    await new Promise((resolve) => setImmediate(resolve));
    this.#log.close();
    this.#ending.abort();
    await Promise.all(this.#retiring);
    await Promise.all(Array.from(closablesOf(this.#table), (model) => model.close()));
  }

  async #apply(value: RoutingSnapshot): Promise<ApplyReport> {
    const current = this.#table;
    const refused = (problem: string): ApplyReport => ({
      outcome: "refused",
      generation: current.generation,
      problems: [problem],
    });
    let routing: RoutingSnapshot;
    try {
      routing = parseRouting(value);
    } catch (thrown) {
      return refused(thrown instanceof Error ? thrown.message : String(thrown));
    }
    const digest = digestOfJson(routing);
    // The same snapshot again is a second try at what did not load.
    const again = routing.generation === current.generation && digest === current.digest && !current.complete;
    if (routing.generation <= current.generation && !again) {
      return refused(
        `generation ${routing.generation} is not newer than generation ${current.generation}, which is being served`,
      );
    }
    const problems: string[] = [];
    const next = await prepareTable(routing, {
      former: current,
      digest,
      incarnation: this.incarnation,
      load: (bundle) => this.#load(bundle),
      openWindows: (model, loaded) => this.#openWindows(model, loaded),
      onProblem: (problem) => problems.push(problem),
    });
    this.#table = next;
    this.#windows.retain(windowsOf(next));
    const kept = closablesOf(next);
    for (const model of closablesOf(current)) if (!kept.has(model)) this.#retiring.add(this.#retire(model));
    return { outcome: "applied", generation: routing.generation, problems };
  }

  /** Closes a model that nothing names any more, when those have been answered who still know it. */
  async #retire(model: Closable): Promise<void> {
    const { signal } = this.#ending;
    // When the data plane is closed the wait ends early.
    do await sleep(LAST_CALLS_MS, signal).catch(() => undefined);
    while (model.openCalls() > 0 && !signal.aborted);
    await model.close();
  }

  async #load(bundle: Digest): Promise<ServableModel> {
    const loaded = await loadModel(this.#blobs, bundle, { trust: this.#trust, images: this.#images });
    if (loaded.runs === "inline") await warm(loaded);
    return loaded;
  }

  async #openWindows(model: string, loaded: ServableModel): Promise<ModelWindows | undefined> {
    const { bundle, windows: program, derivedNames, windowSeed: seed } = loaded;
    const derived = derivedNames.length;
    return program && (await this.#windows.open({ model, bundle, program, derived, seed }));
  }
}

const NOTHING_DERIVED = new Float64Array(0);

function windowsOf({ models }: ServingTable): Set<ModelWindows> {
  const served = new Set<ModelWindows>();
  for (const { arms } of models.values()) {
    for (const { windows } of arms.values()) if (windows !== undefined) served.add(windows);
  }
  return served;
}
