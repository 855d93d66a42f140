import type { Ensemble, OriginInput, OriginModel } from "../../inference/index.ts";
import type { ChannelColumns } from "../command/job-layout.ts";
import { trainingErrors } from "../errors.ts";
import { isNumbered } from "./input-names.ts";

/** What the model is to answer. */
export interface WantedModel {
  readonly task: "binary" | "regression" | "multiclass";
  /** Numbers a row is answered with. */
  readonly outputs: number;
  readonly columns: ChannelColumns;
}

/**
 * A model that was trained here has seen the channel's columns: it may leave some out, and its classes are ours. One that was
 * trained elsewhere reads all features, whose codes are the file's by now, and may have its own order of the classes.
 */
export type EnsembleFit =
  | { readonly trained: "here" }
  | { readonly trained: "elsewhere"; readonly classes: readonly string[] | undefined };

/**
 * The trees of a model file over the features of the plan: its inputs are found by the names of the channel's columns,
 * or, where it has only numbered them, by their places.
 *
 * @throws TRAINING_MODEL_MISMATCH
 */
export function fitEnsemble(
  model: OriginModel,
  { task, outputs, columns }: WantedModel,
  fit: EnsembleFit,
): Ensemble {
  const { ensemble, inputs } = model;
  if (ensemble.task !== task || ensemble.base.length !== outputs)
    throw mismatch(
      `it is a ${ensemble.task} model with ${counted(ensemble.base.length, "output")} (${model.objective}), a ${task} model with ${outputs} is wanted`,
    );
  const places = placesOf(inputs, columns, fit);
  if (fit.trained === "here") refuseLabels(inputs);
  const fitted = {
    ...ensemble,
    features: columns.features.map(({ feature }) => feature),
    nodeFeature: ensemble.nodeFeature.map((input) => places[input]!),
  };
  return fit.trained === "here" ? fitted : inOrderOf(fit.classes, fitted, model.classes);
}

function refuseLabels(inputs: readonly OriginInput[]): void {
  const categories = inputs.find(({ categories: labels }) =>
    labels?.some((label, code) => label !== String(code)),
  );
  if (categories === undefined) return;
  throw mismatch(
    `its input "${categories.name}" takes labels instead of codes`,
    "Give categories as integers, and name them as categorical features instead of as pandas categories.",
  );
}

/** For each input of the model its place among the features. */
function placesOf(
  inputs: readonly OriginInput[],
  { features }: ChannelColumns,
  { trained }: EnsembleFit,
): number[] {
  const byName = new Map<string, number>();
  for (const [place, { column, feature }] of features.entries())
    byName.set(feature.name, place).set(column, place);
  const named = inputs.map(({ name }) => byName.get(name));
  const areFound = new Set(named).size === inputs.length && !named.includes(undefined);
  if (areFound && (trained === "here" || inputs.length === features.length)) return named as number[];
  // Of numbered names, one that is a feature's says that they are names.
  const areNumbered =
    inputs.every(({ name }, place) => isNumbered(name, place)) &&
    (trained === "here" || named.every((place) => place === undefined));
  if (inputs.length === features.length && areNumbered) return [...inputs.keys()];
  const unknown = inputs.find(({ name }) => !byName.has(name));
  const unread = areFound ? features.find((_, place) => !named.includes(place)) : undefined;
  const counts = `it reads ${counted(inputs.length, "input")}, the plan makes ${counted(features.length, "feature")}`;
  if (unread !== undefined)
    throw mismatch(`${counts}: none of them is "${unread.feature.name}"`, HINTS[trained]);
  if (unknown === undefined || (areNumbered && inputs.length !== features.length))
    throw mismatch(`${counts}: ${listed(features)}`, HINTS[trained]);
  throw mismatch(`its input "${unknown.name}" is none of the features ${listed(features)}`, HINTS[trained]);
}

const HINTS = {
  here: "Train it on the columns of the channel without the target and the weight, in their order or by their names.",
  elsewhere:
    "Name the features as the file names its inputs; where it has only numbered them, give as many in its order.",
} as const;

const LISTED = 10;

function listed(features: ChannelColumns["features"]): string {
  const names = features.slice(0, LISTED).map(({ column }) => column);
  return `${names.join(", ")}${features.length > LISTED ? ", …" : ""}`;
}

/** Its sums in the order of the target's classes, where the file names its own. */
function inOrderOf(
  wanted: readonly string[] | undefined,
  ensemble: Ensemble,
  given: readonly string[] | undefined,
): Ensemble {
  if (wanted === undefined || given === undefined) return ensemble;
  const places = given.map((name) => wanted.indexOf(name));
  const unknown = given.find((_, sum) => places[sum] === -1);
  if (unknown !== undefined) {
    // Without names of its own a file has numbers.
    if (given.every((name, sum) => name === String(sum))) return ensemble;
    throw mismatch(
      `its class "${unknown}" is none of the target's, which are ${wanted.join(", ")}`,
      "The classes are those of the training rows, and must be called as in the file.",
    );
  }
  const base = ensemble.base.slice();
  for (const [sum, place] of places.entries()) base[place] = ensemble.base[sum]!;
  return { ...ensemble, base, entrySum: ensemble.entrySum.map((sum) => places[sum]!) };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function mismatch(fault: string, hint?: string): Error {
  return trainingErrors.TRAINING_MODEL_MISMATCH.error(`the model does not fit: ${fault}`, {
    details: { fault },
    ...(hint === undefined ? {} : { hint }),
  });
}
