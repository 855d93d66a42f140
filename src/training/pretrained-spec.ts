import type { OriginFormat } from "../inference/index.ts";
import { type Digest, isDigest } from "../kernel/index.ts";
import { badOption, checkOptionNames } from "./option-range.ts";

/**
 * A model that was trained elsewhere, in the place of a trainer: nothing is learned but what the features themselves learn. Data,
 * features, evaluation and gates are those of every other model.
 */
export interface PretrainedSpec {
  readonly kind: "pretrained";
  /** Where the model's file lies; relative to the project's folder. */
  readonly file: string;
  /** What the file is. Default: found out from its first bytes. */
  readonly format?: OriginFormat;
}

/** The same with what the file is, by whose digest a recipe depends on it. */
export interface SealedPretrainedSpec extends PretrainedSpec {
  readonly format: OriginFormat;
  readonly digest: Digest;
  readonly bytes: number;
  /** The program that wrote it, as far as it says. */
  readonly producer: string;
  /** What the model was trained for, in the words of that program. */
  readonly objective: string;
}

export type PretrainedOptions = Omit<PretrainedSpec, "kind">;

const OPTIONS = ["file", "format"] as const satisfies readonly (keyof PretrainedSpec)[];
const FORMATS = [
  "lightgbm",
  "xgboost-json",
  "xgboost-ubj",
  "onnx",
] as const satisfies readonly OriginFormat[];

/**
 * A model file of LightGBM, XGBoost or ONNX whose features are the model's.
 *
 *     trainer: pretrained({ file: "churn.txt" }),
 *
 * @throws TRAINING_BAD_OPTION
 */
export function pretrained(options: PretrainedOptions): PretrainedSpec {
  checkOptionNames("pretrained", options, OPTIONS);
  const { file, format } = options;
  return checkPretrained({ kind: "pretrained", file, ...(format === undefined ? {} : { format }) });
}

/** @throws TRAINING_BAD_OPTION */
export function checkPretrained<Spec extends PretrainedSpec>(spec: Spec): Spec {
  const bad = (name: keyof PretrainedSpec, wanted: string): Error =>
    badOption("pretrained", { name, value: spec[name] }, wanted);
  const { file, format } = spec;
  if (typeof file !== "string" || file === "" || file.includes("\0"))
    throw bad("file", 'the path of a model file, such as "churn.txt"');
  if (format !== undefined && !FORMATS.some((known) => known === format))
    throw bad("format", `one of ${FORMATS.map((known) => `"${known}"`).join(", ")}`);
  if ("digest" in spec && !(typeof spec.digest === "string" && isDigest(spec.digest)))
    throw bad("file", "a file that is kept by its digest");
  return spec;
}
