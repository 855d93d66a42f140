import type { CodeTrust } from "../bundle/index.ts";
import { type Digest, digestOfJson } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { LiveWindows, ModelWindows } from "../stream/index.ts";
import { loadModel, type ServableModel, warm } from "./loaded-model.ts";
import { ModelHolds } from "./model-holds.ts";
import type { ImageRules } from "./model-images.ts";
import { NOT_READY, nextReadiness, type Readiness } from "./readiness.ts";
import { notReady, unavailable, unknownLabel, unknownModel, unknownVersion } from "./refusals.ts";
import { type ApplyReport, parseRouting, type RoutingSnapshot } from "./routing.ts";
import type { ModelRuns, VersionSelector } from "./served-version.ts";
import {
  type Arm,
  closableOf,
  closablesOf,
  EMPTY_TABLE,
  prepareTable,
  type ServingTable,
} from "./serving-table.ts";

export interface ServedModelsOptions {
  readonly blobs: BlobStore;
  readonly trust: CodeTrust | undefined;
  readonly images: ImageRules;
  readonly mergedRows: number;
  readonly windows: LiveWindows;
  readonly incarnation: string;
  /** Whether it stands beside or in place of workers that were ready. */
  readonly joinsServing: boolean;
}

/** The models that a worker holds: what a routing snapshot names is loaded, swapped in as a whole, and what is left is closed. */
export class ServedModels {
  readonly #options: ServedModelsOptions;
  readonly #holds = new ModelHolds();
  #table: ServingTable = EMPTY_TABLE;
  #readiness: Readiness = NOT_READY;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(options: ServedModelsOptions) {
    this.#options = options;
  }

  get table(): ServingTable {
    return this.#table;
  }

  /** Snapshots are applied one after the other; see `DataPlane.apply`. */
  apply(routing: RoutingSnapshot): Promise<ApplyReport> {
    const applied = this.#applying.then(() => this.#apply(routing));
    this.#applying = applied;
    return applied;
  }

  /** See `DataPlane.ready`. */
  ready(): boolean {
    return this.#readiness.ready;
  }

  /** See `DataPlane.unready`. */
  unready(): readonly string[] {
    return this.#readiness.unready;
  }

  /** See `DataPlane.find`. */
  find(name: string, selector: VersionSelector = {}): Arm {
    const model = this.#table.models.get(name);
    if (model === undefined)
      throw this.#table.generation === 0 ? notReady() : unknownModel(name, [...this.#table.models.keys()]);
    const { version, label } = selector;
    if (label !== undefined) {
      const labelled = model.labels.get(label);
      if (labelled === undefined) throw unknownLabel(name, label, [...model.labels.keys()]);
      if (labelled.arm === undefined) throw unavailable(model.status, labelled.version);
      return labelled.arm;
    }
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

  /** See `DataPlane.modelRuns`. */
  modelRuns(): ModelRuns[] {
    const runs: ModelRuns[] = [];
    for (const { arms } of this.#table.models.values()) {
      for (const { model, version, loaded } of arms.values()) {
        const counts = loaded.runs === "on-thread" ? loaded.runCounts() : undefined;
        if (counts !== undefined) runs.push({ model, version, ...counts });
      }
    }
    return runs;
  }

  /** See `DataPlane.hold`. */
  hold({ loaded }: Arm): () => void {
    const model = closableOf(loaded);
    return model === undefined ? () => undefined : this.#holds.hold(model);
  }

  /** When no snapshot is being applied any more. */
  async settled(): Promise<void> {
    await this.#applying;
  }

  /** Closes all models, also those that are held. */
  async close(): Promise<void> {
    await this.#holds.close();
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
    const again = routing.generation === current.generation && digest === current.digest;
    if (again && current.complete)
      return { outcome: "applied", generation: current.generation, problems: [] };
    // The same snapshot again is a second try at what did not load.
    if (routing.generation <= current.generation && !again) {
      return refused(
        `generation ${routing.generation} is not newer than generation ${current.generation}, which is being served`,
      );
    }
    const problems: string[] = [];
    const next = await prepareTable(routing, {
      former: current,
      digest,
      incarnation: this.#options.incarnation,
      load: (bundle) => this.#load(bundle),
      openWindows: (model, loaded) => this.#openWindows(model, loaded),
      onProblem: (problem) => problems.push(problem),
    });
    this.#table = next;
    const { joinsServing } = this.#options;
    this.#readiness = nextReadiness(this.#readiness, { statuses: next.statuses, joinsServing });
    this.#options.windows.retain(windowsOf(next));
    const kept = closablesOf(next);
    for (const model of closablesOf(current)) if (!kept.has(model)) this.#holds.retire(model);
    return { outcome: "applied", generation: routing.generation, problems };
  }

  async #load(bundle: Digest): Promise<ServableModel> {
    const { blobs, trust, images, mergedRows } = this.#options;
    const loaded = await loadModel(blobs, bundle, { trust, images });
    try {
      await (loaded.runs === "inline" ? warm(loaded) : loaded.warm({ mergedRows }));
      return loaded;
    } catch (thrown) {
      await closableOf(loaded)?.close();
      throw thrown;
    }
  }

  async #openWindows(model: string, loaded: ServableModel): Promise<ModelWindows | undefined> {
    const { bundle, windows: program, derivedNames, windowSeed: seed } = loaded;
    const derived = derivedNames.length;
    return program && (await this.#options.windows.open({ model, bundle, program, derived, seed }));
  }
}

function windowsOf({ models }: ServingTable): Set<ModelWindows> {
  const served = new Set<ModelWindows>();
  for (const { arms } of models.values()) {
    for (const { windows } of arms.values()) if (windows !== undefined) served.add(windows);
  }
  return served;
}
