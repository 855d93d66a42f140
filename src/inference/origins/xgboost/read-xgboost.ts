import { MOST_SUMS } from "../../ensemble/ensemble.ts";
import { EnsembleBuilder } from "../../ensemble/ensemble-builder.ts";
import { badFile, featuresOf, type OriginModel, soundModel, unsupported } from "../origin-model.ts";
import { JsonView } from "./json-view.ts";
import { objectiveOf } from "./objective.ts";
import { inputsOf } from "./read-inputs.ts";
import { addTree } from "./read-tree.ts";
import { parseUbjson } from "./ubjson.ts";

type Format = "xgboost-json" | "xgboost-ubj";

const MOST_FEATURES = 1_000_000;

/**
 * Reads what XGBoost's `save_model` writes to a `.json` file (1.0 and later).
 *
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL
 */
export function readXgboostJson(bytes: Uint8Array): OriginModel {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badFile("xgboost-json", "it is not JSON", cause);
  }
  return readLearner(document, "xgboost-json");
}

/**
 * Reads what XGBoost's `save_model` writes to a `.ubj` file (1.6 and later; the default since 2.1).
 *
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL
 */
export function readXgboostUbj(bytes: Uint8Array): OriginModel {
  return readLearner(parseUbjson(bytes), "xgboost-ubj");
}

function readLearner(document: unknown, format: Format): OriginModel {
  const root = new JsonView(document, "model", format);
  const learner = root.get("learner");
  const version = root.has("version") ? Array.from(root.get("version").numbers(), String).join(".") : "";
  const objectiveName = learner.get("objective").get("name").text();
  const { weights, model } = boosterOf(learner.get("gradient_booster"), format);
  const { task, link, marginOf } = objectiveOf(objectiveName, format);
  const parameters = learner.get("learner_model_param");
  const classes = parameters.has("num_class") ? parameters.get("num_class").count(MOST_SUMS) : 0;
  const targets = parameters.has("num_target") ? parameters.get("num_target").count(MOST_SUMS) : 1;
  const sums = task === "multiclass" ? classes : Math.max(1, targets);
  if (sums < 1) throw parameters.bad(`has num_class ${classes} for the objective ${objectiveName}`);

  const trees = model.get("trees").items();
  const declared = model.get("gbtree_model_param").get("num_trees").count(1_000_000_000);
  if (declared !== trees.length) throw model.bad(`has ${trees.length} of ${declared} trees`);
  const sumOf = model.get("tree_info").integers({ length: trees.length, least: 0, most: sums - 1 });
  const inputs = inputsOf(learner, model, parameters.get("num_feature").count(MOST_FEATURES));
  const dropped = weights?.numbers(trees.length);
  const builder = new EnsembleBuilder();
  for (const [index, tree] of trees.entries()) {
    const weight = Math.fround(dropped?.[index] ?? 1);
    addTree(builder, tree, { format, sum: sumOf[index]!, weight, features: inputs.length });
  }
  return soundModel({
    format,
    producer: version === "" ? "XGBoost" : `XGBoost ${version}`,
    objective: objectiveName,
    inputs,
    ...(task === "multiclass" ? { classes: Array.from({ length: sums }, (_, k) => String(k)) } : {}),
    ensemble: {
      task,
      features: featuresOf(inputs),
      arithmetic: "float32",
      base: baseScores(parameters, sums).map(marginOf).map(Math.fround),
      baseIs: "first",
      aggregate: "sum",
      divisor: 1,
      link,
      ...builder.arrays(),
    },
  });
}

/** The trees of a booster; `dart` keeps them one level deeper and weighs each of them. */
function boosterOf(
  booster: JsonView,
  format: Format,
): { readonly model: JsonView; readonly weights: JsonView | undefined } {
  const name = booster.get("name").text();
  switch (name) {
    case "gbtree":
      return { model: booster.get("model"), weights: undefined };
    case "dart":
      return { model: booster.get("gbtree").get("model"), weights: booster.get("weight_drop") };
    case "gblinear":
      throw unsupported(format, 'booster "gblinear": a linear model, not trees');
    default:
      throw unsupported(format, `booster "${name.slice(0, 80)}"`);
  }
}

/** `base_score` is `5E-1` in older files and `[5E-1]`, or one for each class, in newer ones. */
function baseScores(parameters: JsonView, sums: number): Float64Array {
  const view = parameters.get("base_score");
  const texts = view
    .text()
    .replace(/^\[|\]$/g, "")
    .split(",");
  const scores = texts.map((text) => (text.trim() === "" ? Number.NaN : Math.fround(Number(text))));
  if (!scores.every(Number.isFinite)) throw view.bad(`is ${view.text().slice(0, 80)}`);
  if (scores.length !== 1 && scores.length !== sums)
    throw view.bad(`has ${scores.length} values for ${sums}`);
  return Float64Array.from({ length: sums }, (_, sum) => scores[scores.length === 1 ? 0 : sum]!);
}
