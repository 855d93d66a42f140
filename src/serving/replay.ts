import { bundleErrors, type CodeTrust } from "../bundle/index.ts";
import { type Digest, SlipwayError, shortDigest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { PastWindows, withTime } from "../stream/index.ts";
import { candidatesOf, type RecommendRequest } from "./candidates.ts";
import { compareComputed, firstDifference } from "./compare-prediction.ts";
import { type LoadedModel, loadModel, type ServableModel } from "./loaded-model.ts";
import { type CompactedReader, findPrediction, type LogFilter, readPredictionLog } from "./log-reader.ts";
import { REPLAY_IMAGE_RULES } from "./model-images.ts";
import { isSampledOut, type PredictionFrame, type PredictionPayload, readInput } from "./prediction-frame.ts";
import { parsePredictionId } from "./prediction-id.ts";
import { rankCandidates } from "./ranking.ts";
import { recomputeOnThread } from "./replay-on-thread.ts";
import {
  type Answer,
  asAnswered,
  type LoggedInstance,
  loggedInstance,
  type Recomputed,
  type ReplayVerdict,
  reasonOf,
} from "./replayed-answer.ts";

/** One prediction, or one instance of a batch, or everything that passes a filter. */
export type ReplayFilter =
  | { readonly id: string }
  | (LogFilter & {
      /** At most so many predictions. */
      readonly limit?: number;
    });

export interface ReplayedPrediction {
  /** With `.i` for an instance of a batch. */
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly bundle: Digest;
  readonly arm: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly verdict: ReplayVerdict;
  /** A list where the model has several outputs. */
  readonly logged: Answer | null;
  readonly recomputed: Answer | null;
  /** Why it is not identical. */
  readonly reason?: string;
}

export interface ReplayReport {
  /** Predictions looked at; every instance of a batch is one. The seven counts below add up to it. */
  readonly total: number;
  readonly identical: number;
  readonly withinBound: number;
  readonly different: number;
  readonly forgotten: number;
  readonly sampledOut: number;
  readonly missingBundle: number;
  readonly damaged: number;
  /** What was asked for by id, or the first of those that did not come out again. */
  readonly examples: readonly ReplayedPrediction[];
  /** Damage of the log itself: these ranges could not be read. */
  readonly problems: readonly string[];
  /**
   * Of the predictions by models with windows: how often what the windows said was computed anew from the stream, and
   * how often that was not possible because the stream does not reach back as far.
   */
  readonly windows: { readonly recomputed: number; readonly unavailable: number };
}

export interface ReplayRequest {
  /** Of the prediction log. */
  readonly directory: string;
  readonly blobs: BlobStore;
  /** Whether the custom code of a bundle may run. Default: it may not. */
  readonly trust?: CodeTrust;
  readonly filter: ReplayFilter;
  /** Without it only what has not been compacted is replayed. */
  readonly compacted?: CompactedReader;
  /** Directory of the stream: given, what windows said is computed anew from it and compared with what was logged. */
  readonly stream?: string;
  /** Called now and then with the number of predictions done. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const MAX_EXAMPLES = 20;
const PROGRESS_EVERY = 1_000;

/**
 * Recomputes logged predictions from their logged input with the bundle named in their frame, and compares features
 * and output bit for bit. A model on a thread of its own is asked with the whole request again, because its answers may depend on
 * the batch.
 *
 * @throws SERVING_BAD_PREDICTION_ID, SERVING_NO_PREDICTION when an id was asked for
 */
export async function replayLog(request: ReplayRequest): Promise<ReplayReport> {
  const replay = new Replay(request);
  try {
    await replayAll(replay, request);
    return replay.report();
  } finally {
    await replay.close();
  }
}

async function replayAll(
  replay: Replay,
  { directory, filter, compacted, signal }: ReplayRequest,
): Promise<void> {
  if ("id" in filter) {
    const { instance } = parsePredictionId(filter.id);
    const frame = await findPrediction(directory, filter.id, compacted);
    await replay.add(frame, instance === undefined ? undefined : { first: instance, count: 1 });
    return;
  }
  const { limit = Number.POSITIVE_INFINITY } = filter;
  const onDamage = (error: SlipwayError) => replay.problems.push(error.message);
  for await (const frame of readPredictionLog(directory, filter, { onDamage, compacted })) {
    signal?.throwIfAborted();
    const left = limit - replay.total;
    if (left <= 0) break;
    await replay.add(frame, { first: 0, count: Math.min(left, frame.instances) });
  }
}

type InputRecord = Readonly<Record<string, unknown>>;

interface InstanceRange {
  readonly first: number;
  readonly count: number;
}

/** What is known of a bundle while replaying: ready to predict, or why not. */
type Replayable = { readonly model: ServableModel } | { readonly problem: string };

class Replay {
  readonly problems: string[] = [];
  readonly #request: ReplayRequest;
  readonly #models = new Map<Digest, Replayable>();
  readonly #examples: ReplayedPrediction[] = [];
  readonly #counts: Record<ReplayVerdict, number> = {
    identical: 0,
    "within-bound": 0,
    different: 0,
    forgotten: 0,
    "sampled-out": 0,
    "missing-bundle": 0,
    damaged: 0,
  };
  readonly #windows = { recomputed: 0, unavailable: 0 };
  readonly #past = new Map<string, PastWindows>();
  total = 0;

  constructor(request: ReplayRequest) {
    this.#request = request;
  }

  /** Replays the instances of a frame in a range, all of them by default. */
  async add(
    frame: PredictionFrame,
    range: InstanceRange = { first: 0, count: frame.instances },
  ): Promise<void> {
    const { payload } = frame;
    if (isSampledOut(frame)) {
      const reason = "it was sampled out: the log of its model is a sample, and only its header was kept";
      this.#addAll(frame, range, { verdict: "sampled-out", reason });
      return;
    }
    if (payload === undefined) {
      this.#addAll(frame, range, { verdict: "forgotten", reason: "its input has been erased on request" });
      return;
    }
    const input = payload.intact ? readInput(payload.input) : undefined;
    if (input?.records.length !== frame.instances) {
      const reason = "the logged payload is not the one its header was made for";
      this.#addAll(frame, range, { verdict: "damaged", reason });
      return;
    }
    const replayable = await this.#modelOf(frame.bundle);
    if ("problem" in replayable) {
      this.#addAll(frame, range, { verdict: "missing-bundle", reason: replayable.problem });
      return;
    }
    const { model } = replayable;
    const { texts, recommend } = input;
    const records = input.records.map((record, at) =>
      recordWithTime(record as InputRecord, { model, timeMs: payload.times[at] }),
    );
    const again =
      model.runs === "inline"
        ? (instance: number): Promise<Recomputed> =>
            recomputeInline(model, records[instance]!, loggedInstance(frame, payload, instance))
        : await recomputeOnThread(model, { frame, payload, records, texts });
    const misplaced =
      model.runs === "inline" && recommend !== undefined
        ? await this.#rankAgain(model, { frame, payload, records, recommend })
        : undefined;
    for (let i = range.first; i < range.first + range.count; i++) {
      this.#addOne(frame, i, {
        logged: loggedOutput(frame, payload, i),
        ...(await again(i)),
        ...(await this.#compareWindows(frame, { model, record: records[i]!, instance: i })),
        ...misplaced?.(i),
      });
    }
  }

  /** Ends the threads of the models that were opened. */
  async close(): Promise<void> {
    for (const past of this.#past.values()) await past.close();
    for (const known of this.#models.values()) {
      if (!("model" in known)) continue;
      const { model } = known;
      await (model.runs === "on-thread" ? model : model.images)?.close();
    }
  }

  /** What is wrong with the logged values of windows, if the stream says something else. */
  async #compareWindows(
    frame: PredictionFrame,
    of: { readonly model: ServableModel; readonly record: InputRecord; readonly instance: number },
  ): Promise<{ verdict?: "different"; reason?: string }> {
    const { model, record, instance } = of;
    const past = frame.windows && this.#pastOf(frame, model);
    if (past === undefined || frame.windows === undefined) return {};
    const windows = await past.at(frame.windows.streamSequence);
    if (windows === undefined) {
      this.#windows.unavailable++;
      return {};
    }
    this.#windows.recomputed++;
    windows.resolve(record);
    const logged = loggedInstance(frame, frame.payload!, instance);
    for (const place of model.imagePlaces) windows.values[place] = logged.derived[place]!;
    const difference = firstDifference(logged.derived, windows.values);
    if (difference === undefined) return {};
    const reason = `from the stream, "${model.derivedNames[difference] ?? difference}" comes out differently`;
    return { verdict: "different", reason };
  }

  /**
   * Ranks all candidates again, with the windows as they were. Where those cannot be made again, only what was logged of the
   * answers can be checked.
   */
  async #rankAgain(
    model: LoadedModel,
    of: {
      readonly frame: PredictionFrame;
      readonly payload: PredictionPayload;
      readonly records: readonly unknown[];
      readonly recommend: RecommendRequest;
    },
  ): Promise<((instance: number) => { verdict?: "different"; reason?: string }) | undefined> {
    const { frame, payload, records, recommend } = of;
    const past = frame.windows === undefined ? undefined : this.#pastOf(frame, model);
    const windows = past === undefined ? undefined : await past.at(frame.windows!.streamSequence);
    if (frame.windows !== undefined && windows === undefined) return undefined;
    const candidates = candidatesOf(model, recommend);
    const best = await rankCandidates(
      model,
      candidates.map(({ record }) => record),
      {
        n: recommend.n,
        windows,
        timeMs: payload.times[0] ?? Number.NaN,
        fault: (thrown) => thrown,
      },
    );
    return (instance) => {
      const ranked = best[instance];
      const same =
        best.length === records.length &&
        ranked !== undefined &&
        Object.is(ranked.score, payload.outputs[instance]) &&
        JSON.stringify(candidates[ranked.place]!.record) === JSON.stringify(records[instance]);
      if (same) return {};
      return { verdict: "different", reason: `place ${instance + 1} goes to another candidate` };
    };
  }

  #pastOf({ model: name, bundle }: PredictionFrame, model: ServableModel): PastWindows | undefined {
    const { stream } = this.#request;
    const { windows: program, derivedNames, windowSeed: seed } = model;
    if (stream === undefined || program === undefined) return undefined;
    const key = `${name} ${bundle}`;
    const past =
      this.#past.get(key) ??
      new PastWindows(stream, { model: name, bundle, program, derived: derivedNames.length, seed });
    this.#past.set(key, past);
    return past;
  }

  report(): ReplayReport {
    const {
      "missing-bundle": missingBundle,
      "within-bound": withinBound,
      "sampled-out": sampledOut,
      ...counts
    } = this.#counts;
    return {
      total: this.total,
      ...counts,
      withinBound,
      sampledOut,
      missingBundle,
      examples: this.#examples,
      problems: this.problems,
      windows: this.#windows,
    };
  }

  #addAll(
    frame: PredictionFrame,
    range: InstanceRange,
    why: { verdict: ReplayVerdict; reason: string },
  ): void {
    for (let i = range.first; i < range.first + range.count; i++) {
      this.#addOne(frame, i, {
        ...why,
        logged: frame.payload === undefined ? null : loggedOutput(frame, frame.payload, i),
        recomputed: null,
      });
    }
  }

  #addOne(
    frame: PredictionFrame,
    instance: number,
    result: Pick<ReplayedPrediction, "verdict" | "logged" | "recomputed" | "reason">,
  ): void {
    this.total++;
    this.#counts[result.verdict]++;
    const isSame =
      result.verdict === "identical" || result.verdict === "within-bound" || result.verdict === "sampled-out";
    const wanted = "id" in this.#request.filter || !isSame;
    if (wanted && this.#examples.length < MAX_EXAMPLES) {
      const { id, model, version, bundle, arm, time, instances } = frame;
      this.#examples.push({
        id: instances === 1 ? id : `${id}.${instance}`,
        ...{ model, version, bundle, arm, time },
        ...result,
      });
    }
    if (this.total % PROGRESS_EVERY === 0) this.#request.onProgress?.(this.total);
  }

  async #modelOf(bundle: Digest): Promise<Replayable> {
    let known = this.#models.get(bundle);
    if (known === undefined) {
      known = await this.#open(bundle);
      this.#models.set(bundle, known);
    }
    return known;
  }

  async #open(bundle: Digest): Promise<Replayable> {
    try {
      const options = { trust: this.#request.trust, images: REPLAY_IMAGE_RULES };
      return { model: await loadModel(this.#request.blobs, bundle, options) };
    } catch (thrown) {
      if (!(thrown instanceof SlipwayError)) throw thrown;
      const problem =
        thrown.code === bundleErrors.BUNDLE_MISSING.code
          ? `bundle ${shortDigest(bundle)} is no longer stored`
          : thrown.message;
      return { problem };
    }
  }
}

function loggedOutput(frame: PredictionFrame, payload: PredictionPayload, instance: number): Answer {
  return asAnswered(loggedInstance(frame, payload, instance).outputs);
}

/** Looks into the images again, which are not logged for themselves; other derived values are taken as they were logged. */
async function recomputeInline(
  model: LoadedModel,
  record: InputRecord,
  logged: LoggedInstance,
): Promise<Recomputed> {
  const { images } = model;
  if (images === undefined) return recompute(model, record, logged);
  try {
    const [seen = logged.derived] = await images.read([record], ({ error }) => {
      throw error;
    });
    return recompute(model, record, { ...logged, derived: images.beside(logged.derived, seen) });
  } catch (thrown) {
    if (!(thrown instanceof SlipwayError)) throw thrown;
    return { verdict: "different", recomputed: null, reason: thrown.message };
  }
}

/** The record with the time that the prediction gave it, where it says none itself. */
function recordWithTime(
  record: InputRecord,
  { model, timeMs }: { readonly model: ServableModel; readonly timeMs: number | undefined },
): InputRecord {
  return model.windows === undefined || timeMs === undefined
    ? record
    : withTime(record, { time: model.windows.time, timeMs });
}

function recompute(model: LoadedModel, record: InputRecord, logged: LoggedInstance): Recomputed {
  let outputs: Float64Array;
  try {
    outputs = model.predictAll(record, logged.derived);
  } catch (thrown) {
    if (!(thrown instanceof SlipwayError)) throw thrown;
    return { verdict: "different", recomputed: null, reason: thrown.message };
  }
  const comparison = compareComputed(logged, { features: model.features, outputs });
  const recomputed = asAnswered(outputs);
  if (comparison.equal) return { verdict: "identical", recomputed };
  return { verdict: "different", recomputed, reason: reasonOf(comparison, model) };
}
