import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../../test/shared-data.ts";
import { createEnsembleEngine, readOriginModel } from "../index.ts";
import { elementTypes } from "./onnx/graph.ts";
import { ProtoMessage } from "./onnx/protobuf.ts";
import { lightgbmLeafScores } from "./testing/lightgbm-leaf-scores.ts";
import { libsvm, numbersIn, type Rows } from "./testing/number-rows.ts";

/** What a model file answers, and how far from it is rounding. Rows of the engine's inputs, rows of its outputs. */
interface Answer {
  readonly rows: Rows;
  readonly expected: Rows;
  /** Relative to a value, absolute below 1. */
  readonly tolerance: number;
  /** What becomes of the outputs before they are compared. */
  readonly compared?: (outputs: number[]) => number[];
}

/** A model file that answers, one that is refused with a part of the message, or a file that is no model. */
type Expectation = { readonly answer: () => Answer } | { readonly refused: string } | "no model";

const read = (path: string): string => readFileSync(sharedData(path) ?? "", "utf8");
const LIGHTGBM = 1e-12;
const FLOAT32 = 4e-7;

const leaves = (name: string): string => `models-leaves/${name}`;
const answers = (rows: () => Rows, expected: () => Rows, tolerance = LIGHTGBM): Expectation => ({
  answer: () => ({ rows: rows(), expected: expected(), tolerance }),
});
const withoutFirst = (rows: Rows): Rows => rows.map((row) => row.slice(1));

/** log of probabilities less their mean: equal for equal probabilities, and for the scores that they come from. */
const centred = (scores: readonly number[]): number[] => {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return scores.map((score) => score - mean);
};

const IRIS = [
  [5.9, 3, 5.1, 1.8],
  [6.8, 2.8, 4.8, 1.4],
  [6.3, 2.3, 4.4, 1.3],
  [6.5, 3, 5.5, 1.8],
  [7.7, 2.8, 6.7, 2],
  [5.5, 2.5, 4, 1.3],
];

const SMALL = [
  [3.7, 1.2, 7.2, 9],
  [7.5, 0.5, 7.9, 0],
  [0.1, 9.7, 2.2, 4],
  [Number.NaN, 3, 4.5, 2],
];

/** Of each kind of iris one; the sums of the model's float32 weights exceed 1 by a last digit. */
const RANDOM_FOREST_ROWS = [
  [5.8, 2.8, 5.1, 2.4],
  [6, 2.2, 4, 1],
  [5.5, 4.2, 1.4, 0.2],
];
const RANDOM_FOREST_ANSWERS = [
  [0, 0, 1.0000001192092896],
  [0, 1.0000001192092896, 0],
  [1.0000001192092896, 0, 0],
];

const PICKLE = "a Python pickle";
const OLD_XGBOOST = "XGBoost's old binary format";
const NO_HEADER = 'does not begin with the line "tree"';

const files: Readonly<Record<string, Readonly<Record<string, Expectation>>>> = {
  "models-leaves": {
    "genlin_fmtp_gamma_AvgClaimAmount.model": answers(
      () => numbersIn(read(leaves("genlin_fmtp_gamma_AvgClaimAmount_features.tsv"))),
      () => numbersIn(read(leaves("genlin_fmtp_gamma_AvgClaimAmount_true_predictions.txt"))),
    ),
    "genlin_fmtp_poisson_Frequency.model": answers(
      () => numbersIn(read(leaves("genlin_fmtp_poisson_Frequency_features.tsv"))),
      () => numbersIn(read(leaves("genlin_fmtp_poisson_Frequency_true_predictions.txt"))),
    ),
    "genlin_fmtp_tweedie_PurePremium.model": answers(
      () => numbersIn(read(leaves("genlin_fmtp_tweedie_PurePremium_features.tsv"))),
      () => numbersIn(read(leaves("genlin_fmtp_tweedie_PurePremium_true_predictions.txt"))),
    ),
    "lg_breast_cancer.txt": {
      answer: () => ({
        rows: numbersIn(read(leaves("lg_breast_cancer_data.txt"))),
        expected: lightgbmLeafScores(
          read(leaves("lg_breast_cancer.txt")),
          numbersIn(read(leaves("lg_breast_cancer_data_pred_leaves.txt"))),
        ),
        tolerance: 1e-11,
        compared: ([probability = Number.NaN]) => [Math.log(probability / (1 - probability))],
      }),
    },
    "lg_dart_breast_cancer.model": answers(
      () => numbersIn(read(leaves("breast_cancer_test.tsv"))),
      () => numbersIn(read(leaves("lg_dart_breast_cancer_true_predictions.txt"))),
    ),
    "lg_kddcup99.model": {
      answer: () => ({
        rows: numbersIn(read(leaves("kddcup99_test.tsv"))),
        expected: numbersIn(read(leaves("lg_kddcup99_true_predictions.txt"))).map(centred),
        tolerance: 1e-11,
        compared: (outputs) => centred(outputs.map((probability) => Math.log(probability))),
      }),
    },
    "lgmulticlass.model": answers(
      () => withoutFirst(numbersIn(read(leaves("multiclass_test.tsv")))),
      () => numbersIn(read(leaves("lgmulticlass_true_predictions.txt"))),
    ),
    // Answered by LightGBM 4.7.0.
    "model_simple.txt": answers(
      () => [
        [10, 100],
        [500, 1],
        [999, 100],
        [300, 0],
        [Number.NaN, Number.NaN],
      ],
      () => [
        [0.6672567449182498],
        [0.5976432392485469],
        [0.6672567449182498],
        [0.5731282609335557],
        [0.5731282609335557],
      ],
    ),
    "lg_rf_iris.model": { refused: "average_output" },
    "lg_1tree.json": { refused: "dump_model()" },
    "lg_1tree_1leaf.json": { refused: "dump_model()" },
    "lg_dart_breast_cancer.json": { refused: "dump_model()" },
    "tree_1leaf.txt": { refused: NO_HEADER },
    "tree_2leaves.txt": { refused: NO_HEADER },
    "tree_3leaves.txt": { refused: NO_HEADER },
    "sk_gradient_boosting_classifier.model": { refused: PICKLE },
    "sk_iris.model": { refused: PICKLE },
    "xg_dart_agaricus.model": { refused: OLD_XGBOOST },
    "xgagaricus.model": { refused: OLD_XGBOOST },
    "xgblin_agaricus.model": { refused: OLD_XGBOOST },
    "xgdermatology.model": { refused: OLD_XGBOOST },
    ...Object.fromEntries(
      [
        "agaricus_test.libsvm",
        "breast_cancer_test.tsv",
        "csrmat.libsvm",
        "densemat.libsvm",
        "dermatology_test.libsvm",
        "genlin_fmtp_gamma_AvgClaimAmount_features.tsv",
        "genlin_fmtp_gamma_AvgClaimAmount_true_predictions.txt",
        "genlin_fmtp_poisson_Frequency_features.tsv",
        "genlin_fmtp_poisson_Frequency_true_predictions.txt",
        "genlin_fmtp_tweedie_PurePremium_features.tsv",
        "genlin_fmtp_tweedie_PurePremium_true_predictions.txt",
        "iris_test.libsvm",
        "kddcup99_test.tsv",
        "lg_breast_cancer_data.txt",
        "lg_breast_cancer_data_pred_leaves.txt",
        "lg_dart_breast_cancer_true_predictions.txt",
        "lg_kddcup99_true_predictions.txt",
        "lg_rf_iris_true_predictions.txt",
        "lgmulticlass_true_predictions.txt",
        "lgmulticlass_true_raw_predictions.txt",
        "multiclass_test.tsv",
        "sk_gradient_boosting_classifier_test.libsvm",
        "sk_gradient_boosting_classifier_true_predictions.txt",
        "sk_iris_true_predictions.txt",
        "xg_dart_agaricus_true_predictions.txt",
        "xgagaricus_true_predictions.txt",
        "xgblin_agaricus_true_predictions.txt",
        "xgblin_agaricus_true_raw_predictions.txt",
        "xgdermatology_true_predictions.txt",
      ].map((name) => [name, "no model"]),
    ),
  },
  "models-ankane": {
    "lightgbm/model.txt": answers(
      () => SMALL.slice(0, 2),
      () => [[0.9823112229173586], [0.9583143724610858]],
    ),
    // Codes of a pandas category become its labels, so that the engine takes the same codes; by LightGBM 4.7.0.
    "lightgbm/categorical.txt": answers(
      () => SMALL,
      () => [[0.996415541144579], [1.0809369939979934], [0.8874065298577134], [0.9407705199635078]],
    ),
    "lightgbm/data.csv": "no model",
    // By XGBoost 3.2.0.
    "xgboost/model.json": answers(
      () => SMALL,
      () => [[1.0065330266952515], [1.012018084526062], [0.9897798895835876], [0.9377616047859192]],
      FLOAT32,
    ),
    "xgboost/data.csv": "no model",
    "onnx/lightgbm.onnx": answers(
      () => [[5.8, 2.8]],
      () => [[0.2593829, 0.40904793, 0.33156916]],
      FLOAT32,
    ),
    // By onnxruntime 1.31.1.
    "onnx/randomforest.onnx": answers(
      () => RANDOM_FOREST_ROWS,
      () => RANDOM_FOREST_ANSWERS,
      FLOAT32,
    ),
    "onnx/identity_string.onnx": { refused: "0 tree ensembles" },
    "onnx/logical_and.onnx": { refused: "operator And (ai.onnx opset 7)" },
    "onnx/logreg_iris.onnx": { refused: "operator LinearClassifier (ai.onnx.ml opset 1)" },
    "onnx/mul_1.onnx": { refused: "operator Mul (ai.onnx opset 7)" },
    "onnx/sigmoid.onnx": { refused: "operator Sigmoid (ai.onnx opset 9)" },
  },
  "models-treelite": {
    "mushroom/mushroom.model": { refused: OLD_XGBOOST },
    // Exact only when what the sparse rows leave out is missing.
    "sparse_categorical/sparse_categorical_model.txt": {
      answer: () => ({
        rows: libsvm(read("models-treelite/sparse_categorical/sparse_categorical.test"), {
          width: 5057,
          absent: Number.NaN,
        }),
        expected: numbersIn(read("models-treelite/sparse_categorical/sparse_categorical.test.margin")),
        tolerance: 1e-12,
        compared: ([probability = Number.NaN]) => [Math.log(probability / (1 - probability))],
      }),
    },
    "sparse_categorical/sparse_categorical.test": "no model",
    "sparse_categorical/sparse_categorical.test.margin": "no model",
    "toy_categorical/toy_categorical_model.txt": answers(
      () =>
        libsvm(read("models-treelite/toy_categorical/toy_categorical.test"), {
          width: 2,
          absent: Number.NaN,
        }),
      () => numbersIn(read("models-treelite/toy_categorical/toy_categorical.test.pred")),
    ),
    "toy_categorical/toy_categorical.test": "no model",
    "toy_categorical/toy_categorical.test.pred": "no model",
  },
  "models-onnxruntime-go": {
    "sklearn_randomforest.onnx": {
      answer: () => ({
        rows: IRIS,
        expected: [0.87, 0.23, 0.03, 1, 1, 0].map((probability) => [probability]),
        // A hundred additions in float32.
        tolerance: 1e-6,
        compared: (outputs) => outputs.slice(2),
      }),
    },
    "example_0_dim_output.onnx": { refused: "operator Constant (ai.onnx opset 17)" },
    "example_big_compute.onnx": { refused: "operator Constant (ai.onnx opset 14)" },
    "example_big_fanout.onnx": { refused: "operator Constant (ai.onnx opset 17)" },
    "example_dynamic_axes.onnx": { refused: "operator Constant (ai.onnx opset 17)" },
    "example_float16.onnx": { refused: "operator Constant (ai.onnx opset 14)" },
    "example_multitype.onnx": { refused: "operator Constant (ai.onnx opset 14)" },
    "example_several_inputs_and_outputs.onnx": { refused: "operator Constant (ai.onnx opset 17)" },
    "example_strings.onnx": { refused: "operator StringNormalizer (ai.onnx opset 20)" },
  },
  "onnx-ml-node-tests": {
    ...nodeTest(
      "array_feature_extractor",
      { refused: "operator ArrayFeatureExtractor (ai.onnx.ml opset 1)" },
      2,
    ),
    ...nodeTest("binarizer", { refused: "operator Binarizer (ai.onnx.ml opset 1)" }),
    ...nodeTest("label_encoder_string_int", { refused: "operator LabelEncoder (ai.onnx.ml opset 4)" }),
    ...nodeTest("label_encoder_string_int_no_default", {
      refused: "operator LabelEncoder (ai.onnx.ml opset 4)",
    }),
    ...nodeTest("label_encoder_tensor_mapping", { refused: "operator LabelEncoder (ai.onnx.ml opset 4)" }),
    ...nodeTest("label_encoder_tensor_value_only_mapping", {
      refused: "operator LabelEncoder (ai.onnx.ml opset 4)",
    }),
    ...nodeTest("tree_ensemble_set_membership", nodeAnswer("tree_ensemble_set_membership")),
    ...nodeTest("tree_ensemble_single_tree", nodeAnswer("tree_ensemble_single_tree")),
  },
  "models-mnist-onnx": {
    "mnist.onnx": { refused: "operator Reshape (ai.onnx opset 8)" },
    "expected_mnist_t10k_first100.json": "no model",
  },
  "models-tfjs-abalone": {
    "abalone.csv": "no model",
    "expected_predictions.json": "no model",
    "test_data.csv": "no model",
    "trainedModel/model.json": { refused: "a TensorFlow.js layers model" },
    "trainedModel/weights.bin": { refused: "not known" },
  },
};

function nodeTest(name: string, expectation: Expectation, inputs = 1): Record<string, Expectation> {
  const folder = `test_ai_onnx_ml_${name}`;
  const data = Array.from({ length: inputs }, (_, i) => `${folder}/test_data_set_0/input_${i}.pb`);
  return {
    [`${folder}/model.onnx`]: expectation,
    ...Object.fromEntries(
      [...data, `${folder}/test_data_set_0/output_0.pb`].map((path) => [path, "no model"]),
    ),
  };
}

function nodeAnswer(name: string): Expectation {
  const folder = `onnx-ml-node-tests/test_ai_onnx_ml_${name}/test_data_set_0`;
  return answers(
    () => tensorRows(`${folder}/input_0.pb`),
    () => tensorRows(`${folder}/output_0.pb`),
    FLOAT32,
  );
}

/** A stored tensor of two dimensions. */
function tensorRows(path: string): Rows {
  const tensor = new ProtoMessage(readFileSync(sharedData(path) ?? ""), "the tensor");
  const raw = tensor.bytes(9);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const single = tensor.integer(2) === elementTypes.float;
  const values = Array.from({ length: raw.length / (single ? 4 : 8) }, (_, i) =>
    single ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true),
  );
  const [rows = 0, width = 1] = tensor.integers(1);
  return Array.from({ length: rows }, (_, row) => values.slice(row * width, (row + 1) * width));
}

const DOCUMENTS = /(^|\/)(NOTE\.md|README\.md|LICENSE(\.\w+)?)$/;

for (const [folder, expectations] of Object.entries(files)) {
  const path = sharedData(folder);
  describe.skipIf(path === undefined)(folder, () => {
    it("has no file that is forgotten here", () => {
      const found = readdirSync(path ?? "", { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => `${entry.parentPath}/${entry.name}`.slice((path ?? "").length + 1));
      const expected = Object.keys(expectations).sort();
      expect(found.filter((file) => !DOCUMENTS.test(file)).sort()).toEqual(expected);
    });

    for (const [file, expectation] of Object.entries(expectations)) {
      if (expectation === "no model") continue;
      if ("refused" in expectation) {
        it(`${file} is refused by name`, () => {
          const bytes = readFileSync(`${path}/${file}`);
          expect(() => readOriginModel(bytes)).toThrowError(
            expect.objectContaining({
              code: expect.stringMatching(/^INFERENCE_(UNSUPPORTED_MODEL|BAD_MODEL_FILE|UNKNOWN_FORMAT)$/),
              message: expect.stringContaining(expectation.refused),
            }),
          );
        });
      } else it(`${file} answers what it should`, () => check(`${path}/${file}`, expectation.answer()));
    }
  });
}

function check(path: string, { rows, expected, tolerance, compared }: Answer): void {
  const engine = createEnsembleEngine(readOriginModel(readFileSync(path)).ensemble);
  expect(rows.length).toBeGreaterThan(0);
  expect(expected).toHaveLength(rows.length);
  const out = new Float64Array(engine.outputs);
  let worst = 0;
  for (const [at, row] of rows.entries()) {
    expect(row.length).toBeGreaterThanOrEqual(engine.featureCount);
    engine.predictInto(Float64Array.from(row), out);
    const outputs = compared === undefined ? [...out] : compared([...out]);
    expect(outputs).toHaveLength(expected[at]!.length);
    for (const [k, value] of expected[at]!.entries())
      worst = Math.max(worst, Math.abs(outputs[k]! - value) / Math.max(1, Math.abs(value)));
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}
