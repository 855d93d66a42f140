import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { ColumnType } from "../kernel/index.ts";
import type { ServedVersion, VersionSelector } from "../serving/index.ts";
import { classScores, outputNames, outputTensors, recordsOfTensors, unfitFor } from "../wire/index.ts";
import {
  type Answered,
  answering,
  type CallContext,
  notOffered,
  type PlannedPrediction,
  predicting,
} from "./call-handlers.ts";
import { grpcErrors } from "./errors.ts";
import { type ExampleInput, recordsOfExamples } from "./examples.ts";
import { numberOf, type WireInteger } from "./integers.ts";
import type { ModelRules } from "./model-rules.ts";
import { tensorflowServingProtocol } from "./protocols/tensorflow-serving.ts";
import { messagesOf } from "./service-definition.ts";
import { inputTensor, type TensorProto, tensorflowTypes, tensorProto } from "./tensor-proto.ts";

interface ModelSpec {
  readonly name: string;
  readonly version?: { readonly value: WireInteger } | null;
  readonly version_label?: string;
  readonly signature_name: string;
}

interface PredictRequest {
  readonly model_spec: ModelSpec | null;
  readonly inputs: Readonly<Record<string, TensorProto | null>>;
  readonly output_filter: readonly string[];
}

interface ExampleRequest {
  readonly model_spec: ModelSpec | null;
  readonly input: ExampleInput | null;
}

export interface TensorflowServicesOptions extends CallContext {
  readonly rules: ModelRules;
}

const DEFAULT_SIGNATURE = "serving_default";
const AVAILABLE = 30;
const END = 50;
const OK = 0;
const UNAVAILABLE = 14;

/** PredictionService of TensorFlow Serving. */
export function predictionService(options: TensorflowServicesOptions): UntypedServiceImplementation {
  const { dataPlane, rules } = options;
  const find = (spec: ModelSpec | null): ServedVersion => {
    const { name, signature_name: signature } = requireSpec(spec);
    if (signature !== "" && signature !== DEFAULT_SIGNATURE) {
      throw grpcErrors.GRPC_BAD_REQUEST.error(
        `model "${name}" has no signature "${signature.slice(0, 200)}"; models have one, "${DEFAULT_SIGNATURE}"`,
      );
    }
    return dataPlane.find(name, selectorOf(requireSpec(spec)));
  };
  const planExamples = (
    request: ExampleRequest,
    use: {
      /** Refuses a model that is none for this method. */
      readonly check: (served: ServedVersion) => void;
      readonly result: (served: ServedVersion, given: Answered) => object;
    },
  ): PlannedPrediction => {
    const served = find(request.model_spec);
    return {
      served,
      read: () => {
        use.check(served);
        return {
          instances: { records: recordsOfExamples(request.input, rules.of(served)), json: undefined },
          answer: (given) => ({ result: use.result(served, given), model_spec: specOf(served) }),
        };
      },
    };
  };
  return {
    Predict: predicting<PredictRequest>(options, (request) => {
      const served = find(request.model_spec);
      return {
        served,
        read: () => {
          const inputs = Object.entries(request.inputs).map(([name, tensor]) => inputTensor(name, tensor));
          const asked = { inputs, outputs: request.output_filter };
          const instances = recordsOfTensors(asked, rules.of(served), outputNames(served.signature.output));
          return {
            instances,
            answer: (answered) => ({
              outputs: Object.fromEntries(
                outputTensors(served.signature.output, answered, instances).map((output) => [
                  output.name,
                  tensorProto(output),
                ]),
              ),
              model_spec: specOf(served),
            }),
          };
        },
      };
    }),
    Classify: predicting<ExampleRequest>(options, (request) =>
      planExamples(request, {
        check: (served) => requireFit("classify", served),
        result: (served, given) => ({ classifications: classifications(served, given) }),
      }),
    ),
    Regress: predicting<ExampleRequest>(options, (request) =>
      planExamples(request, {
        check: (served) => requireFit("regress", served),
        result: (_served, { outputs }) => ({ regressions: outputs.map((value) => ({ value })) }),
      }),
    ),
    MultiInference: notOffered(options, "MultiInference", "Send a request for each of its tasks."),
    GetModelMetadata: answering<{ readonly model_spec: ModelSpec | null }>(options, ({ model_spec: spec }) =>
      metadataOf(find(spec)),
    ),
  };
}

/** ModelService of TensorFlow Serving. Models are not managed on the prediction port. */
export function modelService(options: TensorflowServicesOptions): UntypedServiceImplementation {
  const { dataPlane } = options;
  return {
    GetModelStatus: answering<{ readonly model_spec: ModelSpec | null }>(options, ({ model_spec: spec }) => {
      const { name } = requireSpec(spec);
      const selector = selectorOf(requireSpec(spec));
      const status = dataPlane.models().find((model) => model.name === name);
      // Finding it says what is wrong with an unknown name, version or label.
      if (status === undefined || selector.version !== undefined || selector.label !== undefined)
        dataPlane.find(name, selector);
      const versions = (status?.versions ?? []).filter(
        ({ version }) => selector.version === undefined || version === selector.version,
      );
      return {
        model_version_status: versions.map(({ version, state, problem }) => ({
          version,
          state: state === "available" ? AVAILABLE : END,
          status: { error_code: state === "available" ? OK : UNAVAILABLE, error_message: problem ?? "" },
        })),
      };
    }),
    HandleReloadConfigRequest: notOffered(
      options,
      "HandleReloadConfigRequest",
      "Which models are served is decided by `slipway deploy`.",
    ),
  };
}

function requireSpec(spec: ModelSpec | null): ModelSpec {
  if (spec !== null && spec.name !== "") return spec;
  throw grpcErrors.GRPC_BAD_REQUEST.error("the request has no model_spec with a name");
}

function selectorOf({ version, version_label: label = "" }: ModelSpec): VersionSelector {
  if (version) return { version: numberOf(version.value) };
  return label === "" ? {} : { label };
}

function specOf({ model, version }: ServedVersion): object {
  return { name: model, version: { value: version }, signature_name: DEFAULT_SIGNATURE };
}

function requireFit(method: "classify" | "regress", { signature, model }: ServedVersion): void {
  const fault = unfitFor(method, signature.output);
  if (fault !== undefined) throw grpcErrors.GRPC_BAD_REQUEST.error(`model "${model}" ${fault}`);
}

function classifications({ signature }: ServedVersion, answered: Answered): object[] {
  const { labels, scores } = classScores(signature.output, answered);
  return scores.map((own) => ({
    classes: own.map((score, at) => ({ label: labels[at] ?? String(at), score })),
  }));
}

const dtypeOf: Readonly<Record<ColumnType, number>> = {
  int: tensorflowTypes.int,
  float: tensorflowTypes.float,
  bool: tensorflowTypes.bool,
  timestamp: tensorflowTypes.text,
  category: tensorflowTypes.text,
  text: tensorflowTypes.text,
  image: tensorflowTypes.text,
};

function metadataOf(served: ServedVersion): object {
  const { inputs, output, unbatched } = served.signature;
  const outputs = output.tensors ?? [
    { name: output.name, type: "float" as const, shape: output.width === undefined ? [] : [output.width] },
  ];
  const sizesOf = (shape: readonly number[] = []) => (unbatched ? shape : [-1, ...shape]);
  const tensor = (name: string, dtype: number, sizes: readonly number[]) => ({
    name: `${name}:0`,
    dtype,
    tensor_shape: { dim: sizes.map((size) => ({ size })) },
  });
  const map = messagesOf(tensorflowServingProtocol).type("tensorflow.serving.SignatureDefMap");
  const value = map
    .encode({
      signature_def: {
        [DEFAULT_SIGNATURE]: {
          inputs: Object.fromEntries(
            inputs.map(({ name, type, shape }) => [name, tensor(name, dtypeOf[type], sizesOf(shape))]),
          ),
          outputs: Object.fromEntries(
            outputs.map(({ name, type, shape }) => [name, tensor(name, dtypeOf[type], sizesOf(shape))]),
          ),
          method_name: "tensorflow/serving/predict",
        },
      },
    })
    .finish();
  return {
    model_spec: specOf(served),
    metadata: {
      signature_def: { type_url: "type.googleapis.com/tensorflow.serving.SignatureDefMap", value },
    },
  };
}
