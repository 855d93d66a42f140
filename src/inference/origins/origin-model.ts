import type { FeatureColumn, SlipwayError } from "../../kernel/index.ts";
import { type Ensemble, problemOfEnsemble } from "../ensemble/ensemble.ts";
import { inferenceErrors } from "../errors.ts";

/** The model files that can be imported. */
export const originFormats = ["lightgbm", "xgboost-json", "xgboost-ubj", "onnx", "remote"] as const;
export type OriginFormat = (typeof originFormats)[number];

/** A raw value that the model reads, as its origin declares it. */
export interface OriginInput {
  readonly name: string;
  /** `int` for categories that are given as their code. */
  readonly type: "float" | "int" | "category";
  /** Of a category: its texts; the code of one is its place. */
  readonly categories?: readonly string[];
}

/** A model file of another program, understood. */
export interface OriginModel {
  readonly format: OriginFormat;
  /** The program that wrote it, as far as the file says. */
  readonly producer: string;
  /** What it was trained for, in the words of its origin. */
  readonly objective: string;
  readonly ensemble: Ensemble;
  /** One for each feature of the ensemble. */
  readonly inputs: readonly OriginInput[];
  /** Names of the classes of a multiclass or binary model, in the order of the origin. */
  readonly classes?: readonly string[];
}

const TITLES: Readonly<Record<OriginFormat, string>> = {
  lightgbm: "LightGBM text file",
  "xgboost-json": "XGBoost JSON file",
  "xgboost-ubj": "XGBoost UBJ file",
  onnx: "ONNX file",
  remote: "description of a remote model",
};

export function badFile(format: OriginFormat, what: string, cause?: unknown): SlipwayError {
  return inferenceErrors.INFERENCE_BAD_MODEL_FILE.error(`the ${TITLES[format]} is damaged: ${what}`, {
    details: { format, fault: what },
    ...(cause === undefined ? {} : { cause }),
    hint: "Save the model again, and copy it in binary mode.",
  });
}

/** @param part what is used and not supported, as the origin calls it */
export function unsupported(format: OriginFormat | undefined, part: string, hint?: string): SlipwayError {
  const title = format === undefined ? "model file" : TITLES[format];
  return inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.error(`the ${title} cannot be imported: ${part}`, {
    details: { part, ...(format === undefined ? {} : { format }) },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The features that inputs become: categories keep their codes, everything else is a number. */
export function featuresOf(inputs: readonly OriginInput[]): FeatureColumn[] {
  return inputs.map(({ name, categories }) =>
    categories === undefined
      ? { name, kind: "numeric", cardinality: 0 }
      : { name, kind: "categorical", cardinality: categories.length },
  );
}

/** The model, once its ensemble is known to be sound. @throws INFERENCE_BAD_MODEL_FILE */
export function soundModel(model: OriginModel): OriginModel {
  const problem = problemOfEnsemble(model.ensemble);
  if (problem !== undefined) throw badFile(model.format, problem);
  return model;
}

/** Names that occur twice get their place appended, so that every input can be told apart. */
export function distinctNames(names: readonly string[], fallback: (index: number) => string): string[] {
  const taken = new Set<string>();
  return names.map((given, index) => {
    const wanted = given === "" ? fallback(index) : given;
    let name = wanted;
    for (let suffix = index; taken.has(name); suffix++) name = `${wanted}_${suffix}`;
    taken.add(name);
    return name;
  });
}
