import type { DataPlane, PredictionCounter, ServedVersion, ThreadedPrediction } from "../serving/index.ts";
import {
  type AnsweredValues,
  type InputRules,
  outputNames,
  outputTensors,
  parseV1Predict,
  parseV2Infer,
  type V1PredictRequest,
  writeV1Predictions,
  writeV1Tensors,
  writeV2Tensors,
} from "../wire/index.ts";
import {
  type AnswerBody,
  type AnswerSettings,
  PendingAnswer,
  type PredictionHeaders,
  sendError,
} from "./prediction-answer.ts";
import { type HttpCall, jsonBytesOf, type Route } from "./route.ts";

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

type Answer = Route["answer"];

/** Answers `:predict` for a model that answers later. Nothing else on the event loop waits for it. */
export function answerV1(arm: ThreadedArm, surroundings: Surroundings): Answer {
  return (body, call) => {
    const request = parseV1Predict(body, arm.rules);
    later(call, arm, surroundings, {
      request,
      write: (prediction) => v1Answer(request.form, { ...prediction, isWhole: request.isWhole }),
    });
  };
}

/** Answers `infer`. */
export function answerV2(arm: ThreadedArm, surroundings: Surroundings): Answer {
  const { model, version, signature } = arm.served;
  const names = outputNames(signature.output);
  return (body, call) => {
    const request = parseV2Infer(body, arm.rules, names, jsonBytesOf(call.headers, body));
    later(call, arm, surroundings, {
      request,
      write: (prediction) => {
        const head = { model, version, id: request.id, predictionId: prediction.id };
        return writeV2Tensors(
          head,
          outputTensors(signature.output, prediction, request),
          request.binaryOutputs,
        );
      },
    });
  };
}

interface Exchange {
  readonly request: Parameters<DataPlane["predictOnThread"]>[1];
  readonly write: (prediction: ThreadedPrediction & { readonly instances: number }) => AnswerBody;
}

/** Predicts without waiting for the answer, and answers when the log has it. */
export function later(
  call: HttpCall,
  arm: ThreadedArm,
  { dataPlane, settings }: Surroundings,
  { request, write }: Exchange,
): void {
  const pending = new PendingAnswer(call, arm, settings);
  pending.parsed();
  const instances = request.records.length;
  dataPlane.predictOnThread(arm.served, request, pending).then(
    // In the turn that logged it, whose end acknowledges it.
    (prediction) => pending.prepare(prediction, write({ ...prediction, instances }), instances),
    (thrown: unknown) => {
      arm.counter.fail(thrown);
      sendError(call.response, thrown, settings);
    },
  );
}

/** The body of a V1 answer, whatever the model answers with. */
export function v1Answer(
  form: V1PredictRequest["form"],
  answered: AnsweredValues & { readonly instances: number; readonly isWhole: boolean },
): AnswerBody {
  const { tensors, outputs, width, texts = [], instances, isWhole } = answered;
  return {
    body:
      tensors === undefined
        ? writeV1Predictions(form, outputs, width)
        : writeV1Tensors(form, { tensors, values: outputs, texts, instances, isWhole }),
  };
}
