import type { Queryable } from "../storage/index.ts";
import { type Change, change, type RegistryContext } from "./change.ts";
import { registryErrors } from "./errors.ts";
import { jsonCopy } from "./json-copy.ts";
import { checkActor, checkName } from "./names.ts";
import { selectRun, selectRuns } from "./queries.ts";
import {
  closeSteps,
  type FinishedRunState,
  isFinished,
  mayBecome,
  type Run,
  type RunState,
  type RunStep,
  UNFINISHED,
  withStep,
} from "./run.ts";
import { insertRun, updateRunRow } from "./store.ts";

export interface NewRun {
  readonly id: string;
  readonly model: string;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** The process that executes it. */
  readonly owner?: string | undefined;
  /** What was asked for: any JSON. */
  readonly details?: unknown;
  /** Default `running`. */
  readonly state?: "queued" | "running";
}

export interface RunEnd {
  readonly id: string;
  readonly state: FinishedRunState;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** What came of it: any JSON, for instance `{ version }` or `{ error }`. */
  readonly outcome?: unknown;
}

export function runRecords(context: RegistryContext) {
  return {
    /** @throws REGISTRY_BAD_NAME, REGISTRY_RUN_EXISTS */
    async startRun(wanted: NewRun): Promise<Run> {
      const model = checkName("model", wanted.model);
      const actor = checkActor(wanted.actor);
      const state = wanted.state ?? "running";
      return await change(context, async ({ db, at, note }) => {
        if ((await selectRun(db, wanted.id)) !== undefined) {
          throw registryErrors.REGISTRY_RUN_EXISTS.error(`run ${wanted.id} is recorded already`, {
            details: { run: wanted.id },
          });
        }
        const run: Run = {
          id: wanted.id,
          model,
          state,
          actor,
          owner: wanted.owner ?? null,
          details: jsonCopy(wanted.details),
          steps: [],
          outcome: null,
          createdAt: at,
          startedAt: state === "running" ? at : null,
          updatedAt: at,
          finishedAt: null,
        };
        await insertRun(db, run);
        const details = { run: run.id, state };
        await note({ actor, action: "run.started", model, reason: wanted.reason ?? null, details });
        return run;
      });
    },

    /**
     * Records progress: a step, or that a queued run begins. Progress is no change of the registry and not journalled.
     *
     * @throws REGISTRY_UNKNOWN_RUN, REGISTRY_RUN_STATE when the run has finished
     */
    async updateRun(update: {
      readonly id: string;
      readonly step?: RunStep;
      readonly state?: "running";
    }): Promise<Run> {
      return await change(context, async ({ db, at }) => {
        const run = await requireRun(db, update.id);
        if (isFinished(run.state)) throw refuse(run, update.state ?? run.state);
        const begins = update.state !== undefined && update.state !== run.state;
        if (begins && !mayBecome(run.state, "running")) throw refuse(run, "running");
        const updated: Run = {
          ...run,
          state: update.state ?? run.state,
          startedAt: begins ? at : run.startedAt,
          steps: update.step === undefined ? run.steps : withStep(run.steps, update.step),
          updatedAt: at,
        };
        await updateRunRow(db, updated);
        return updated;
      });
    },

    /** @throws REGISTRY_UNKNOWN_RUN, REGISTRY_RUN_STATE when the run has finished already */
    async finishRun(end: RunEnd): Promise<Run> {
      checkActor(end.actor);
      return await change(context, async (open) => finishRun(open, await requireRun(open.db, end.id), end));
    },

    /**
     * Marks runs that nobody executes any more as interrupted and returns them.
     *
     * @param isAlive whether somebody still executes a run that is not finished
     */
    async interruptStaleRuns(options: {
      readonly isAlive: (run: Run) => boolean;
      readonly actor: string;
      readonly reason?: string;
    }): Promise<Run[]> {
      const actor = checkActor(options.actor);
      return await change(context, async (open) => {
        const interrupted: Run[] = [];
        for (const run of await selectRuns(open.db, { states: UNFINISHED })) {
          if (options.isAlive(run)) continue;
          const reason = options.reason ?? "its process went away";
          interrupted.push(await finishRun(open, run, { id: run.id, state: "interrupted", actor, reason }));
        }
        return interrupted;
      });
    },

    /** Newest first. */
    async runs(model?: string, options: { readonly limit?: number } = {}): Promise<Run[]> {
      return await selectRuns(context.database.kysely, { model, limit: options.limit });
    },

    /**
     * @param reference an id or the beginning of one
     * @throws REGISTRY_UNKNOWN_RUN, REGISTRY_AMBIGUOUS
     */
    async run(reference: string): Promise<Run> {
      const db = context.database.kysely;
      const exact = await selectRun(db, reference);
      if (exact !== undefined) return exact;
      const [found, another] = await selectRuns(db, { prefix: reference, limit: 2 });
      if (found === undefined) throw unknownRun(reference);
      if (another === undefined) return found;
      throw registryErrors.REGISTRY_AMBIGUOUS.error(
        `several runs begin with "${reference}": give more of the id`,
        {
          details: { run: reference },
        },
      );
    },
  };
}

/** Ends a run within a change. */
export async function finishRun({ db, at, note }: Change, run: Run, end: RunEnd): Promise<Run> {
  if (!mayBecome(run.state, end.state)) throw refuse(run, end.state);
  const finished: Run = {
    ...run,
    state: end.state,
    steps: closeSteps(run.steps, { state: end.state, at }),
    outcome: jsonCopy(end.outcome),
    updatedAt: at,
    finishedAt: at,
  };
  await updateRunRow(db, finished);
  const details = { run: run.id, state: end.state };
  await note({
    actor: end.actor,
    action: "run.finished",
    model: run.model,
    reason: end.reason ?? null,
    details,
  });
  return finished;
}

export async function requireRun(db: Queryable, id: string): Promise<Run> {
  const run = await selectRun(db, id);
  if (run === undefined) throw unknownRun(id);
  return run;
}

function unknownRun(id: string): Error {
  return registryErrors.REGISTRY_UNKNOWN_RUN.error(`there is no run "${id.slice(0, 200)}"`, {
    details: { run: id.slice(0, 200) },
    hint: "`slipway runs` lists the runs there are.",
  });
}

function refuse(run: Run, to: RunState): Error {
  return registryErrors.REGISTRY_RUN_STATE.error(
    isFinished(run.state)
      ? `run ${run.id} has finished (${run.state}) and changes no more`
      : `run ${run.id} is ${run.state} and cannot become ${to}`,
    { details: { run: run.id, from: run.state, to } },
  );
}
