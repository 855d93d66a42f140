import { openBundle } from "../bundle/index.ts";
import {
  type ChampionEvidence,
  checkGates,
  decideGates,
  type EvaluationReport,
  evaluate,
  type GateResult,
  type SliceColumn,
} from "../evaluation/index.ts";
import { compilePlan, type FeatureKernel, type FeaturePlan } from "../features/index.ts";
import { type Engine, openEngine } from "../inference/index.ts";
import {
  canonicalJson,
  type Digest,
  gatherFloats,
  SlipwayError,
  selectRows,
  type Table,
} from "../kernel/index.ts";
import type { ModelSpec } from "../project/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { Build } from "./build.ts";
import { withDerivedColumns } from "./derived-table.ts";

/** The champion, opened to predict the candidate's evaluation rows, or why it cannot be. */
export type Incumbent =
  | {
      readonly version: number;
      readonly kernel: FeatureKernel;
      readonly engine: Engine;
      readonly task: string;
    }
  | { readonly version: number; readonly unavailable: string };

/** Opens the champion's bundle. One that cannot be opened is no reason to stop a run: its gates say why they were not evaluated. */
export async function openIncumbent(
  champion: { readonly version: number; readonly bundle: Digest },
  blobs: BlobStore,
): Promise<Incumbent> {
  try {
    const bundle = await openBundle(blobs, champion.bundle);
    return {
      version: champion.version,
      kernel: compilePlan(bundle.plan as unknown as FeaturePlan),
      engine: openEngine(bundle.manifest.engine, bundle.modelBytes),
      task: bundle.manifest.task,
    };
  } catch (error) {
    if (error instanceof SlipwayError) return { version: champion.version, unavailable: error.message };
    throw error;
  }
}

export interface Judgement {
  readonly report: EvaluationReport;
  readonly gates: readonly GateResult[];
}

/**
 * Metrics of a candidate on the evaluation rows, and the outcome of its gates, with the champion's predictions for the
 * same rows beside it.
 *
 * @throws EVALUATION_*
 */
export function judgeCandidate(subject: {
  readonly spec: ModelSpec;
  readonly build: Build;
  readonly table: Table;
  readonly incumbent: Incumbent | undefined;
}): Judgement {
  const { spec, build, incumbent } = subject;
  const { task } = spec.target;
  const rows = build.rows.evaluate;
  const evaluated = selectRows(build.table, rows);
  const scored = {
    task,
    labels: gatherFloats(build.target, rows),
    predictions: build.engine.predictMatrix(build.kernel.evaluateTable(evaluated)),
    ...(build.weights === undefined ? {} : { weights: gatherFloats(build.weights, rows) }),
  };
  const bootstrap = { seed: spec.seed };
  const report = evaluate({ ...scored, slices: sliceColumns(spec.slices, evaluated, spec), bootstrap });
  const champion = incumbent === undefined ? undefined : championEvidence(incumbent, subject);
  const gates = decideGates(spec.gates, {
    ...scored,
    bootstrap,
    slices: sliceColumns(gateColumns(spec), evaluated, spec),
    ...(champion === undefined ? {} : { champion }),
  });
  return { report, gates };
}

/** Refuses gates that do not fit the model before anything is read or trained. @throws EVALUATION_BAD_GATE */
export function checkModelGates(spec: ModelSpec): void {
  checkGates(spec.target.task, spec.gates, Object.keys(spec.from.columns));
}

function championEvidence(
  incumbent: Incumbent,
  { spec, build, table }: { readonly spec: ModelSpec; readonly build: Build; readonly table: Table },
): ChampionEvidence {
  const { task } = spec.target;
  if ("unavailable" in incumbent) return incumbent;
  const { version, kernel, engine } = incumbent;
  if (incumbent.task !== task) return { version, unavailable: `it is a ${incumbent.task} model` };
  if (engine.outputs !== 1) return { version, unavailable: `it answers with ${engine.outputs} numbers` };
  const missing = kernel.inputs.find(({ name }) => !table.columns.has(name));
  if (missing !== undefined) return { version, unavailable: `the snapshot has no column "${missing.name}"` };
  try {
    const sameDerived = canonicalJson(kernel.derived) === canonicalJson(build.kernel.derived);
    const derived = sameDerived ? build.table : withDerivedColumns(kernel, table).table;
    const evaluated = selectRows(derived, build.rows.evaluate);
    return { version, predictions: engine.predictMatrix(kernel.evaluateTable(evaluated)) };
  } catch (error) {
    if (error instanceof SlipwayError) return { version, unavailable: error.message };
    throw error;
  }
}

function gateColumns(spec: ModelSpec): string[] {
  return [...new Set(spec.gates.flatMap((gate) => (gate.per === undefined ? [] : [gate.per])))];
}

function sliceColumns(names: readonly string[], table: Table, spec: ModelSpec): SliceColumn[] {
  return names.flatMap((column) => {
    const values = table.columns.get(column);
    const type = spec.from.columns[column]?.type;
    return values === undefined ? [] : [{ column, values, ...(type === undefined ? {} : { type }) }];
  });
}
