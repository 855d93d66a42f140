import {
  type CodeTrust,
  openBundle,
  outputWidth,
  type SignatureOutput,
  trustedCode,
} from "../bundle/index.ts";
import {
  type ChampionEvidence,
  checkGates,
  decideGates,
  type EvaluationReport,
  evaluate,
  type GateResult,
  type ScoredRows,
  type SliceColumn,
} from "../evaluation/index.ts";
import { compilePlan, type FeatureKernel, type FeaturePlan, openCustomFunctions } from "../features/index.ts";
import { type MatrixPredictor, openMatrixPredictor } from "../inference/index.ts";
import {
  canonicalJson,
  type Digest,
  gatherFloats,
  SlipwayError,
  selectRows,
  type Table,
} from "../kernel/index.ts";
import { type ModelSpec, subjectOf } from "../project/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { Build } from "./build.ts";
import { withDerivedColumns } from "./derived-table.ts";

/** The champion, opened to predict the candidate's evaluation rows, or why it cannot be. */
export type Incumbent =
  | {
      readonly version: number;
      readonly kernel: FeatureKernel;
      readonly engine: MatrixPredictor;
      readonly output: SignatureOutput;
    }
  | { readonly version: number; readonly unavailable: string };

/** Opens the champion's bundle; its engine is to be closed. One that cannot be opened is no reason to stop a run: its gates say why they were not evaluated. */
export async function openIncumbent(
  champion: { readonly version: number; readonly bundle: Digest },
  { blobs, trust }: { readonly blobs: BlobStore; readonly trust?: CodeTrust },
): Promise<Incumbent> {
  try {
    const bundle = await openBundle(blobs, champion.bundle);
    const functions = openCustomFunctions(await trustedCode(bundle, trust));
    const kernel = compilePlan(bundle.plan as unknown as FeaturePlan, functions);
    const { output } = bundle.signature;
    const engine = await openMatrixPredictor({
      engine: bundle.manifest.engine,
      bytes: bundle.modelBytes,
      features: kernel.outputs,
      task: output.task,
      outputs: outputWidth(output),
    });
    return { version: champion.version, kernel, engine, output };
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
export async function judgeCandidate(subject: {
  readonly spec: ModelSpec;
  readonly build: Build;
  readonly table: Table;
  readonly incumbent: Incumbent | undefined;
}): Promise<Judgement> {
  const { spec, build, incumbent } = subject;
  const rows = build.rows.evaluate;
  const evaluated = selectRows(build.table, rows);
  const { values, classes, unseenClasses } = build.target;
  const scored: ScoredRows = {
    ...subjectOf(spec),
    labels: gatherFloats(values, rows),
    predictions: await build.engine.predictMatrix(build.kernel.evaluateTable(evaluated)),
    ...(classes === undefined ? {} : { classes }),
    ...(unseenClasses === undefined ? {} : { unseenClasses }),
    ...(build.weights === undefined ? {} : { weights: gatherFloats(build.weights, rows) }),
  };
  const bootstrap = { seed: spec.seed };
  const report = evaluate({ ...scored, slices: sliceColumns(spec.slices, evaluated, spec), bootstrap });
  const champion = incumbent === undefined ? undefined : await championEvidence(incumbent, subject, scored);
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
  checkGates(subjectOf(spec), spec.gates, Object.keys(spec.from.columns));
}

async function championEvidence(
  incumbent: Incumbent,
  { build, table }: { readonly build: Build; readonly table: Table },
  { task, classes }: Pick<ScoredRows, "task" | "classes">,
): Promise<ChampionEvidence> {
  if ("unavailable" in incumbent) return incumbent;
  const { version, kernel, engine, output } = incumbent;
  if (output.task !== task) return { version, unavailable: `it is a ${output.task} model` };
  if (classes === undefined && engine.outputs !== 1)
    return { version, unavailable: `it answers with ${engine.outputs} numbers` };
  if (classes !== undefined && output.classes === undefined)
    return { version, unavailable: "it does not say which classes its probabilities are of" };
  const missing = kernel.inputs.find(({ name }) => !table.columns.has(name));
  if (missing !== undefined) return { version, unavailable: `the snapshot has no column "${missing.name}"` };
  try {
    const sameDerived = canonicalJson(kernel.derived) === canonicalJson(build.kernel.derived);
    const derived = sameDerived ? build.table : withDerivedColumns(kernel, table).table;
    const evaluated = selectRows(derived, build.rows.evaluate);
    const predictions = await engine.predictMatrix(kernel.evaluateTable(evaluated));
    if (classes === undefined || output.classes === undefined) return { version, predictions };
    return { version, predictions: inClasses(predictions, output.classes, classes) };
  } catch (error) {
    if (error instanceof SlipwayError) return { version, unavailable: error.message };
    throw error;
  }
}

/** Probabilities in the order of other classes: 0 for those that the model does not know; of those it has beyond them, none. */
function inClasses(predictions: Float64Array, from: readonly string[], to: readonly string[]): Float64Array {
  const places = to.map((name) => from.indexOf(name));
  const rows = predictions.length / from.length;
  const arranged = new Float64Array(rows * to.length);
  for (let row = 0; row < rows; row++) {
    for (const [k, place] of places.entries())
      arranged[row * to.length + k] = place === -1 ? 0 : predictions[row * from.length + place]!;
  }
  return arranged;
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
