import { readPlan } from "../bundle/index.ts";
import { CompactedLog } from "../compaction/index.ts";
import { type FeaturePlan, inputsOfPlan, windowProgram } from "../features/index.ts";
import { FEEDBACK_LOG, Sequencer } from "../feedback/index.ts";
import { type Clock, type Digest, SlipwayError, sleep } from "../kernel/index.ts";
import { PREDICTION_LOG } from "../serving/index.ts";
import { type BlobStore, type LogMarks, listSegments } from "../storage/index.ts";
import { readSequencerStatus, type SourceMarks, STREAM_LOG, writeSequencerStatus } from "../stream/index.ts";
import type { LogUse } from "./log-use.ts";
import { fileMark, readRoutingFile } from "./routing-file.ts";
import type { StateDirectory } from "./state-directory.ts";
import { isAlive } from "./worker-status.ts";

export interface SequencingOptions {
  readonly state: StateDirectory;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly durability: "os" | "fsync";
  /** Shared with whoever removes parts of the prediction log. */
  readonly use: LogUse;
  /**
   * Told now and then how long each segment of the prediction log was when everything in it was in the stream, or known to
   * be nothing for it.
   */
  readonly onSequenced?: (segments: ReadonlyMap<string, number>) => void;
  /** Told of what goes wrong; sequencing goes on after a while. */
  readonly onProblem: (problem: string) => void;
}

const POLL_MS = 25;
/** How often is looked whether a model with windows is served, while none is. */
const IDLE_MS = 250;
const STATUS_EVERY_MS = 500;
/** A sequencer that has not written its status for so long is taken for dead although its process lives. */
const STALE_MS = 15_000;
const RETRY_MS = 1_000;
const REPORT_EVERY_MS = 60_000;
const TELL_EVERY_MS = 1_000;
/** Workers may go on serving a model with windows for a while after it is gone from the routing snapshot. */
const LINGER_MS = 60_000;

/**
 * Sequences what the workers log as long as a model with windows is served; without one it reads nothing. Resolves when
 * the signal has fired. There is one in an installation: a second one waits until the first is gone.
 */
export async function sequence(options: SequencingOptions, signal: AbortSignal): Promise<void> {
  const { state, onProblem } = options;
  const models = new WindowModels(options);
  let floor: SourceMarks | undefined;
  // What a life before this one has left undone is done first.
  let wantedAt = (await hasSegments(state.stream)) ? options.clock() : Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      if (await models.areServed()) wantedAt = options.clock();
      if (options.clock() - wantedAt > LINGER_MS) {
        const sizes = await segmentSizes(state.log);
        const ends = {
          predictions: await newest(state.log, PREDICTION_LOG),
          feedback: await newest(state.feedback, FEEDBACK_LOG),
        };
        // Looked at again: what was logged before this moment is of models without windows.
        if (!(await models.areServed())) {
          floor = ends;
          options.onSequenced?.(sizes);
        }
        await pause(IDLE_MS, signal);
      } else if (otherSequencer(options)) await pause(IDLE_MS, signal);
      else await run({ ...options, floor, models }, signal);
    } catch (thrown) {
      onProblem(`sequencing: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      await pause(RETRY_MS, signal);
    }
  }
}

/** Sequences until the signal fires or no model with windows has been served for a while. */
async function run(
  options: SequencingOptions & { readonly floor: SourceMarks | undefined; readonly models: WindowModels },
  signal: AbortSignal,
): Promise<void> {
  const { state, clock, durability, floor, models, onProblem } = options;
  let readAt = 0;
  let notedAt = Number.NEGATIVE_INFINITY;
  const note = (last: number): void => {
    if (clock() - notedAt < STATUS_EVERY_MS) return;
    notedAt = clock();
    writeSequencerStatus(state.sequencer, { pid: process.pid, writtenAt: notedAt, readAt, sequence: last });
  };
  note(0);
  const compacted = new CompactedLog(state.log);
  const sequencer = await Sequencer.open({
    predictionLog: state.log,
    compacted: { find: (id) => options.use.read(() => compacted.find(id)) },
    feedbackLog: state.feedback,
    stream: state.stream,
    clock,
    durability,
    labelsOf: (bundle) => models.labelsOf(bundle),
    beforeBatch: (last) => {
      // A process that was stopped for a while may find that another one has taken its place.
      if (otherSequencer(options)) throw new Error("another process has taken over");
      note(last);
    },
    onDamage: (error) => onProblem(error.message),
    ...(floor === undefined ? {} : { floor }),
  });
  let wantedAt = clock();
  let toldAt = 0;
  let reported = 0;
  let reportedAt = 0;
  try {
    while (!signal.aborted && clock() - wantedAt <= LINGER_MS) {
      if (await models.areServed()) wantedAt = clock();
      if (otherSequencer(options)) return;
      const startedAt = clock();
      const sizes = startedAt - toldAt < TELL_EVERY_MS ? undefined : await segmentSizes(state.log);
      const events = await sequencer.step();
      if (sizes !== undefined) {
        toldAt = startedAt;
        for (const segment of sequencer.waitingSegments()) sizes.delete(segment);
        options.onSequenced?.(sizes);
      }
      const { future } = sequencer.counts;
      if (future > reported && startedAt - reportedAt > REPORT_EVERY_MS) {
        onProblem(
          `${future - reported} predictions or labels are dated more than a day after they came; windows do not see them`,
        );
        reported = future;
        reportedAt = startedAt;
      }
      readAt = startedAt;
      note(sequencer.sequence);
      if (events === 0) await pause(POLL_MS, signal);
    }
  } finally {
    sequencer.close();
    await compacted.close();
  }
}

/** Whether another process sequences: that of a server which is being replaced by this one. */
function otherSequencer({ state, clock }: SequencingOptions): boolean {
  const status = readSequencerStatus(state.sequencer);
  if (status === undefined || status.pid === process.pid) return false;
  return clock() - status.writtenAt < STALE_MS && isAlive(status.pid);
}

async function hasSegments(directory: string): Promise<boolean> {
  return (await listSegments(directory, { prefix: STREAM_LOG })).length > 0;
}

/** How long each segment of the prediction log is. */
async function segmentSizes(directory: string): Promise<Map<string, number>> {
  const segments = await listSegments(directory, { prefix: PREDICTION_LOG });
  return new Map(segments.map(({ segment, bytes }) => [segment, bytes]));
}

/** The beginnings of each writer's newest segment. */
async function newest(directory: string, prefix: string): Promise<LogMarks> {
  const segments = await listSegments(directory, { prefix });
  return new Map(segments.map(({ incarnation, number }) => [incarnation, { number, offset: 0 }]));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}

/** Which of the served versions have windows, and which labels these read. */
class WindowModels {
  readonly #options: SequencingOptions;
  /** By bundle; none for one without windows. */
  readonly #labels = new Map<Digest, readonly string[] | undefined>();
  #seen = "";
  #served = false;

  constructor(options: SequencingOptions) {
    this.#options = options;
  }

  /** Whether the routing snapshot names a version with windows. */
  async areServed(): Promise<boolean> {
    const path = this.#options.state.routing;
    const mark = fileMark(path);
    if (mark !== this.#seen) {
      const versions = readRoutingFile(path)?.models.flatMap(({ versions: ofModel }) => ofModel) ?? [];
      const found = await Promise.all(versions.map(({ bundle }) => this.#windowLabels(bundle)));
      this.#served = found.some((labels) => labels !== undefined);
      this.#seen = mark;
    }
    return this.#served;
  }

  /** The labels that the windows of a bundle read. */
  async labelsOf(bundle: Digest): Promise<readonly string[]> {
    return (await this.#windowLabels(bundle)) ?? [];
  }

  async #windowLabels(bundle: Digest): Promise<readonly string[] | undefined> {
    if (!this.#labels.has(bundle)) {
      try {
        const plan = await readPlan(this.#options.blobs, bundle);
        const program = windowProgram(inputsOfPlan(plan as unknown as FeaturePlan));
        this.#labels.set(
          bundle,
          program?.labels.map(({ name }) => name),
        );
      } catch (thrown) {
        // Workers cannot load it either, and say so.
        if (!(thrown instanceof SlipwayError)) throw thrown;
        return undefined;
      }
    }
    return this.#labels.get(bundle);
  }
}
