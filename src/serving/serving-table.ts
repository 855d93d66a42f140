import type { Signature } from "../bundle/index.ts";
import { type Digest, SlipwayError } from "../kernel/index.ts";
import type { ModelWindows } from "../stream/index.ts";
import type { ServableModel } from "./loaded-model.ts";
import { headerTemplate } from "./prediction-frame.ts";
import type { RoutedModel, RoutingSnapshot } from "./routing.ts";
import type { ModelStatus, ServedVersion, VersionStatus } from "./served-version.ts";
import type { ThreadedModel } from "./threaded-model.ts";

const CHAMPION = "champion";

/** A loaded version in its place. */
export class Arm implements ServedVersion {
  readonly model: string;
  readonly version: number;
  readonly arm: string;
  readonly bundle: Digest;
  readonly signature: Signature;
  readonly engine: string;
  readonly runs: ServableModel["runs"];
  readonly hasWindows: boolean;
  readonly loaded: ServableModel;
  readonly template: Buffer;
  /** Of a model with windows. */
  readonly windows: ModelWindows | undefined;

  constructor(
    subject: { model: string; version: number; arm: string },
    { loaded, windows }: { loaded: ServableModel; windows: ModelWindows | undefined },
    incarnation: string,
  ) {
    this.windows = windows;
    this.hasWindows = windows !== undefined;
    this.model = subject.model;
    this.version = subject.version;
    this.arm = subject.arm;
    this.bundle = loaded.bundle;
    this.signature = loaded.signature;
    this.engine = loaded.engine;
    this.runs = loaded.runs === "inline" && loaded.images !== undefined ? "on-thread" : loaded.runs;
    this.loaded = loaded;
    this.template = headerTemplate({
      ...subject,
      incarnation,
      bundle: loaded.bundle,
      featureCount: loaded.featureNames.length,
      ...(windows === undefined ? {} : { derivedCount: loaded.derivedNames.length }),
    });
  }
}

export interface ServedModel {
  readonly champion: Arm | undefined;
  readonly arms: ReadonlyMap<number, Arm>;
  /** The version that each label names, and the arm that answers for it: the former one where it did not load. */
  readonly labels: ReadonlyMap<string, LabelledArm>;
  readonly status: ModelStatus;
}

export interface LabelledArm {
  readonly version: number;
  readonly arm: Arm | undefined;
}

/** What a worker serves: immutable, replaced as a whole. */
export interface ServingTable {
  readonly generation: number;
  /** Of the snapshot it was made from. */
  readonly digest: Digest | undefined;
  /** False when something in the snapshot could not be loaded. */
  readonly complete: boolean;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly statuses: readonly ModelStatus[];
}

export const EMPTY_TABLE: ServingTable = {
  generation: 0,
  digest: undefined,
  complete: true,
  models: new Map(),
  statuses: [],
};

export interface Preparation {
  readonly former: ServingTable;
  /** Of the snapshot. */
  readonly digest: Digest;
  readonly incarnation: string;
  readonly load: (bundle: Digest) => Promise<ServableModel>;
  /** The windows of a loaded version of a model, behind all events that those of the others have seen. */
  readonly openWindows: (model: string, loaded: ServableModel) => Promise<ModelWindows | undefined>;
  readonly onProblem: (problem: string) => void;
}

/** Loads what the snapshot names and the former table does not hold yet. */
export async function prepareTable(
  routing: RoutingSnapshot,
  preparation: Preparation,
): Promise<ServingTable> {
  let complete = true;
  const watched: Preparation = {
    ...preparation,
    onProblem: (problem) => {
      complete = false;
      preparation.onProblem(problem);
    },
  };
  const models = new Map<string, ServedModel>();
  for (const routed of routing.models) models.set(routed.name, await prepareModel(routed, watched));
  return {
    generation: routing.generation,
    digest: preparation.digest,
    complete,
    models,
    statuses: Array.from(models.values(), ({ status }) => status),
  };
}

/** A label whose version does not load keeps the one that it named before. */
async function prepareModel(routed: RoutedModel, preparation: Preparation): Promise<ServedModel> {
  const { former, incarnation, load, openWindows, onProblem } = preparation;
  const arms = new Map<number, Arm>();
  const versions: VersionStatus[] = [];
  for (const { version, bundle } of routed.versions) {
    try {
      const known = loadedIn(former, bundle);
      const loaded = known ?? (await load(bundle));
      const windows = await openWindows(routed.name, loaded).catch(async (thrown: unknown) => {
        if (known === undefined) await closableOf(loaded)?.close();
        throw thrown;
      });
      const arm = version === routed.champion ? "champion" : "version";
      arms.set(version, new Arm({ model: routed.name, version, arm }, { loaded, windows }, incarnation));
      versions.push({ version, bundle, state: "available" });
    } catch (thrown) {
      const problem = thrown instanceof Error ? thrown.message : String(thrown);
      onProblem(`model ${routed.name} version ${version}: ${problem}`);
      versions.push({ version, bundle, state: "failed", problem: withoutPath(problem, thrown) });
    }
  }
  const labels = new Map<string, LabelledArm>();
  const before = former.models.get(routed.name)?.labels;
  for (const [label, version] of Object.entries({ ...routed.aliases, [CHAMPION]: routed.champion })) {
    const arm = arms.get(version) ?? before?.get(label)?.arm;
    labels.set(label, { version, arm });
    if (arm === undefined || arms.has(arm.version)) continue;
    arms.set(arm.version, arm);
    if (!versions.some((entry) => entry.version === arm.version))
      versions.push({ version: arm.version, bundle: arm.bundle, state: "available" });
  }
  const champion = labels.get(CHAMPION)?.arm;
  const ready = champion !== undefined;
  const status = { name: routed.name, champion: champion?.version, ready, versions };
  return { champion, arms, labels, status };
}

/** Callers of the prediction port are told what is wrong, not where it lies on this machine. */
function withoutPath(problem: string, thrown: unknown): string {
  const path = thrown instanceof SlipwayError ? thrown.details.path : undefined;
  return typeof path === "string" ? problem.replace(` (${path})`, "") : problem;
}

/** What of a model has to be closed when it is not served any more. */
export type Closable = Pick<ThreadedModel, "close">;

export function closableOf(loaded: ServableModel): Closable | undefined {
  return loaded.runs === "on-thread" ? loaded : loaded.images;
}

/** The threads and readers that the models of a table hold. */
export function closablesOf(table: ServingTable): Set<Closable> {
  const found = new Set<Closable>();
  for (const { arms } of table.models.values()) {
    for (const { loaded } of arms.values()) {
      const closable = closableOf(loaded);
      if (closable !== undefined) found.add(closable);
    }
  }
  return found;
}

function loadedIn(table: ServingTable, bundle: Digest): ServableModel | undefined {
  for (const model of table.models.values())
    for (const arm of model.arms.values()) if (arm.bundle === bundle) return arm.loaded;
  return undefined;
}
