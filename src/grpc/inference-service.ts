import type { ServerDuplexStream, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { ServedVersion } from "../serving/index.ts";
import {
  decodeTensor,
  type InputTensor,
  isTensorType,
  outputBytes,
  outputDatatypes,
  outputNames,
  outputTensors,
  recordsOfTensors,
  repositoryIndex,
  statisticsOf,
  type TensorElement,
  type TensorType,
  textOf,
  v2ModelMetadata,
  v2VersionSelector,
} from "../wire/index.ts";
import {
  answering,
  type CallContext,
  factsOf,
  type PlannedPrediction,
  predict,
  predicting,
  requestOf,
} from "./call-handlers.ts";
import { refusal } from "./call-status.ts";
import { grpcErrors } from "./errors.ts";
import {
  decodeInferRequest,
  encodeInferResponse,
  type InferRequest,
  type InferResponse,
  type TensorContents,
} from "./infer-messages.ts";
import { elementOf, numberOf } from "./integers.ts";
import type { ModelRules } from "./model-rules.ts";
import { observeCall } from "./observed-call.ts";
import { inferenceProtocol } from "./protocols/inference.ts";
import { requestReader, serviceDefinition } from "./service-definition.ts";

interface NamedModel {
  readonly name: string;
  readonly version: string;
}

export interface InferenceServiceOptions extends CallContext {
  readonly rules: ModelRules;
  readonly serverName: string;
  readonly serverVersion: string;
}

/** The service's methods, with a reader and a writer of our own for the one that everybody calls. */
export function inferenceDefinition(name: string): ServiceDefinition {
  const { ModelInfer, ...others } = serviceDefinition(inferenceProtocol, name);
  if (ModelInfer === undefined) throw new Error(`${name} has no ModelInfer`);
  return {
    ...others,
    ModelInfer: {
      ...ModelInfer,
      requestDeserialize: requestReader(decodeInferRequest),
      responseSerialize: encodeInferResponse,
    },
  };
}

/** The Open Inference Protocol V2 over gRPC; tensors are answered as raw bytes, which every client reads. */
export function inferenceService(options: InferenceServiceOptions): UntypedServiceImplementation {
  const { dataPlane, rules, serverName, serverVersion } = options;
  const find = ({ name, version }: NamedModel): ServedVersion =>
    dataPlane.find(name, v2VersionSelector(version));
  const plan = (request: InferRequest): PlannedPrediction => planInference(request, find, options);
  return {
    ServerLive: answering(options, () => ({ live: true })),
    ServerReady: answering(options, () => ({ ready: dataPlane.ready() })),
    ModelReady: answering<NamedModel>(options, (asked) => {
      find(asked);
      return { ready: true };
    }),
    ServerMetadata: answering(options, () => ({
      name: serverName,
      version: serverVersion,
      extensions: ["model_repository", "statistics"],
    })),
    ModelMetadata: answering<NamedModel>(options, (asked) => {
      const served = find(asked);
      const { output } = served.signature;
      const status = dataPlane.models().find(({ name }) => name === served.model);
      return v2ModelMetadata(
        {
          name: served.model,
          versions: (status?.versions ?? []).map(({ version }) => version),
          engine: served.engine,
          output: output.name,
          ...(output.width === undefined ? {} : { width: output.width }),
          ...(output.tensors === undefined ? {} : { tensors: output.tensors }),
        },
        rules.of(served),
      );
    }),
    ModelInfer: predicting<InferRequest>(options, plan),
    ModelStreamInfer: streaming(options, plan),
    ModelStatistics: answering<NamedModel>(options, ({ name, version }) => {
      const model = name === "" ? undefined : name;
      const selector = version === "" ? undefined : v2VersionSelector(version);
      return { model_stats: statisticsOf(dataPlane, model, selector) };
    }),
    RepositoryIndex: answering<{ readonly ready: boolean }>(options, ({ ready: onlyReady }) => ({
      models: repositoryIndex(dataPlane.models(), { onlyReady }),
    })),
  };
}

/** Answers in the order in which the requests came; a refused one is answered with its reason, and the stream goes on. */
function streaming(options: CallContext, plan: (request: InferRequest) => PlannedPrediction) {
  return (call: ServerDuplexStream<unknown, unknown>): void => {
    /** The answers that are still to be sent, in order; those that are not known yet are undefined. */
    const waiting: { answer?: object }[] = [];
    let ended = false;
    const send = (): void => {
      while (waiting[0]?.answer !== undefined) call.write(waiting.shift()?.answer);
      if (ended && waiting.length === 0) call.end();
    };
    call.on("data", (message: unknown) => {
      const place: { answer?: object } = {};
      waiting.push(place);
      const settle = (answer: object): void => {
        place.answer = answer;
        send();
      };
      const observed = observeCall(options, call, (ending, response) => {
        settle(ending ? { error_message: ending.details ?? "" } : { infer_response: response });
      });
      try {
        const planned = plan(requestOf<InferRequest>(message));
        predict(options, { ...planned, ...factsOf(options, call, message) }, observed);
      } catch (thrown) {
        observed.callback(refusal(thrown, options, message));
      }
    });
    call.on("end", () => {
      ended = true;
      send();
    });
  };
}

function planInference(
  request: InferRequest,
  find: (named: NamedModel) => ServedVersion,
  { rules }: InferenceServiceOptions,
): PlannedPrediction {
  const served = find({ name: request.model_name, version: request.model_version });
  return {
    served,
    read: () => {
      const instances = recordsOfTensors(
        { inputs: inputTensors(request), outputs: request.outputs.map(({ name }) => name) },
        rules.of(served),
        outputNames(served.signature.output),
      );
      return {
        instances,
        answer: (answered): InferResponse => {
          const outputs = outputTensors(served.signature.output, answered, instances);
          return {
            model_name: served.model,
            model_version: String(served.version),
            id: request.id,
            parameters: { prediction_id: { string_param: answered.id } },
            outputs: outputs.map(({ name, type, shape }) => ({
              name,
              datatype: outputDatatypes[type],
              shape,
            })),
            raw_output_contents: outputs.map(outputBytes),
          };
        },
      };
    },
  };
}

function inputTensors({ inputs, raw_input_contents: raw }: InferRequest): InputTensor[] {
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw grpcErrors.GRPC_BAD_REQUEST.error(
      `there are ${raw.length} raw_input_contents for ${inputs.length} inputs; each input needs one`,
    );
  }
  return inputs.map(({ name, datatype, shape, contents }, at) => {
    if (!isTensorType(datatype)) {
      throw badInput(name, `has the datatype ${JSON.stringify(datatype)}, which the protocol does not have`);
    }
    const dimensions = shape.map(numberOf);
    const bytes = raw[at];
    if (bytes === undefined)
      return { name, datatype, shape: dimensions, data: typedElements(datatype, contents, name) };
    if (contents !== null) throw badInput(name, "has contents although there are raw_input_contents");
    const count = dimensions.reduce((product, size) => product * size, 1);
    if (!Number.isSafeInteger(count) || count < 0)
      throw badInput(name, `has the shape [${dimensions.join(", ")}]`);
    return { name, datatype, shape: dimensions, data: decodeTensor({ name, type: datatype, count }, bytes) };
  });
}

function typedElements(
  type: TensorType,
  contents: TensorContents | null,
  name: string,
): readonly TensorElement[] {
  if (contents === null) return [];
  switch (type) {
    case "BOOL":
      return contents.bool_contents;
    case "INT8":
    case "INT16":
    case "INT32":
      return contents.int_contents;
    case "INT64":
      return contents.int64_contents.map(elementOf);
    case "UINT8":
    case "UINT16":
    case "UINT32":
      return contents.uint_contents;
    case "UINT64":
      return contents.uint64_contents.map(elementOf);
    case "FP32":
      return contents.fp32_contents;
    case "FP64":
      return contents.fp64_contents;
    case "BYTES":
      return contents.bytes_contents.map((bytes, at) => textOf(bytes, { name, at }));
    case "FP16":
    case "BF16":
      throw badInput(name, `is ${type}, which has no typed contents; send raw_input_contents`);
  }
}

function badInput(name: string, problem: string): Error {
  return grpcErrors.GRPC_BAD_REQUEST.error(`input "${name.slice(0, 200)}" ${problem}`, {
    details: { field: name.slice(0, 200) },
  });
}
