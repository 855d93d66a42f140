import type { Ensemble, OriginInput, OriginModel } from "../../inference/index.ts";
import { trainingErrors } from "../errors.ts";
import type { ChannelColumns } from "./job-layout.ts";

/** What the trained model is to answer. */
export interface WantedModel {
  readonly task: "binary" | "regression" | "multiclass";
  /** Numbers a row is answered with. */
  readonly outputs: number;
  readonly columns: ChannelColumns;
}

/**
 * The trees of a model file over the features of the plan: its inputs are found by the names of the channel's columns,
 * or, where it has only numbered them, by their places.
 *
 * @throws TRAINING_MODEL_MISMATCH
 */
export function fitEnsemble(model: OriginModel, { task, outputs, columns }: WantedModel): Ensemble {
  const { ensemble, inputs } = model;
  if (ensemble.task !== task || ensemble.base.length !== outputs)
    throw mismatch(
      `it is a ${ensemble.task} model with ${ensemble.base.length} outputs (${model.objective}), a ${task} model with ${outputs} is wanted`,
    );
  const places = placesOf(inputs, columns);
  const categories = inputs.find(({ categories: labels }) =>
    labels?.some((label, code) => label !== String(code)),
  );
  if (categories !== undefined)
    throw mismatch(
      `its input "${categories.name}" takes labels instead of codes`,
      "Give categories as integers, and name them as categorical features instead of as pandas categories.",
    );
  return {
    ...ensemble,
    features: columns.features.map(({ feature }) => feature),
    nodeFeature: ensemble.nodeFeature.map((input) => places[input]!),
  };
}

/** For each input of the model its place among the features. */
function placesOf(inputs: readonly OriginInput[], { features }: ChannelColumns): number[] {
  const byName = new Map<string, number>();
  for (const [place, { column, feature }] of features.entries())
    byName.set(feature.name, place).set(column, place);
  const named = inputs.map(({ name }) => byName.get(name));
  if (new Set(named).size === inputs.length && !named.includes(undefined)) return named as number[];
  if (inputs.length === features.length && inputs.every(({ name }, place) => isNumbered(name, place)))
    return [...inputs.keys()];
  const unknown = inputs.find(({ name }) => !byName.has(name));
  const wanted = features.map(({ column }) => column);
  throw mismatch(
    unknown === undefined || inputs.length !== features.length
      ? `it reads ${inputs.length} inputs, the plan makes ${features.length} features`
      : `its input "${unknown.name}" is none of the features ${wanted.slice(0, 10).join(", ")}${wanted.length > 10 ? ", …" : ""}`,
    "Train it on the columns of the channel without the target and the weight, in their order or by their names.",
  );
}

/** `Column_3`, `f3`, `x_3`, `input_3`: names that stand for nothing but the place. */
function isNumbered(name: string, place: number): boolean {
  return /(\d+)$/.exec(name)?.[1] === String(place);
}

function mismatch(fault: string, hint?: string): Error {
  return trainingErrors.TRAINING_MODEL_MISMATCH.error(`the program's model does not fit: ${fault}`, {
    details: { fault },
    ...(hint === undefined ? {} : { hint }),
  });
}
