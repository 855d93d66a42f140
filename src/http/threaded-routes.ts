import type { ServerResponse } from "node:http";
import type { DataPlane, ServedVersion, ThreadedPrediction } from "../serving/index.ts";
import {
  type InputRules,
  parseV1Predict,
  parseV2Infer,
  type TensorAnswers,
  writeV1Predictions,
  writeV1Tensors,
  writeV2Response,
  writeV2TensorResponse,
} from "../wire/index.ts";
import {
  type AnswerSettings,
  PendingAnswer,
  type PredictionHeaders,
  sendError,
} from "./prediction-answer.ts";
import type { PredictionCounter } from "./prediction-metrics.ts";

/** What a request to a model on a thread of its own needs. */
export interface ThreadedArm {
  readonly served: ServedVersion;
  readonly rules: InputRules;
  readonly headers: PredictionHeaders;
  readonly counter: PredictionCounter;
}

interface Surroundings {
  readonly dataPlane: DataPlane;
  readonly settings: AnswerSettings;
}

type Answer = (body: Buffer, response: ServerResponse) => void;

/** Answers `:predict` for a model that answers later. Nothing else on the event loop waits for it. */
export function answerV1(arm: ThreadedArm, surroundings: Surroundings): Answer {
  return (body, response) => {
    const request = parseV1Predict(body, arm.rules);
    later(response, arm, surroundings, {
      request,
      write: (prediction) => {
        const { form } = request;
        const answers = tensorsOf(prediction, request.isWhole);
        return answers === undefined
          ? writeV1Predictions(form, prediction.outputs, prediction.width)
          : writeV1Tensors(form, answers);
      },
    });
  };
}

/** Answers `infer`. */
export function answerV2(arm: ThreadedArm, surroundings: Surroundings): Answer {
  const { model, version, signature } = arm.served;
  const { name, tensors } = signature.output;
  const names = tensors?.map((tensor) => tensor.name) ?? [name];
  return (body, response) => {
    const request = parseV2Infer(body, arm.rules, names);
    later(response, arm, surroundings, {
      request,
      write: (prediction) => {
        const head = { model, version, id: request.id, predictionId: prediction.id };
        const answers = tensorsOf(prediction, request.isWhole);
        return answers === undefined
          ? writeV2Response({ ...head, output: name, width: prediction.width }, prediction.outputs)
          : writeV2TensorResponse(head, answers, request.outputs);
      },
    });
  };
}

interface Exchange {
  readonly request: Parameters<DataPlane["predictOnThread"]>[1];
  readonly write: (prediction: ThreadedPrediction & { readonly instances: number }) => string;
}

function later(
  response: ServerResponse,
  arm: ThreadedArm,
  { dataPlane, settings }: Surroundings,
  { request, write }: Exchange,
): void {
  const pending = new PendingAnswer(response, arm, settings);
  const instances = request.records.length;
  dataPlane.predictOnThread(arm.served, request, pending).then(
    // In the turn that logged it, whose end acknowledges it.
    (prediction) => pending.prepare(prediction, write({ ...prediction, instances }), instances),
    (thrown: unknown) => sendError(response, thrown, settings),
  );
}

function tensorsOf(
  { tensors, outputs, texts, instances }: ThreadedPrediction & { readonly instances: number },
  isWhole: boolean,
): TensorAnswers | undefined {
  return tensors === undefined ? undefined : { tensors, values: outputs, texts, instances, isWhole };
}
