import type { IncomingHttpHeaders } from "node:http";
import type { DataPlane, Instances, Prediction } from "../serving/index.ts";
import {
  type AnsweredValues,
  classScores,
  parseV1Examples,
  unfitFor,
  writeV1Classes,
  writeV1Values,
} from "../wire/index.ts";
import { httpErrors } from "./errors.ts";
import { type AnswerBody, type AnswerSettings, PendingAnswer } from "./prediction-answer.ts";
import type { Route } from "./route.ts";
import { later, type ThreadedArm } from "./threaded-routes.ts";

/** How a protocol reads its requests and writes its answers. */
export interface PredictionCall<Request extends Instances> {
  /** Refuses a bad request by an error. */
  read(body: Buffer, headers: IncomingHttpHeaders): Request;
  write(answered: AnsweredValues & Prediction, request: Request): AnswerBody;
}

/** A route that predicts, wherever the model of its arm runs. */
export function predictionRoute<Request extends Instances>(
  arm: ThreadedArm,
  surroundings: { readonly dataPlane: DataPlane; readonly settings: AnswerSettings },
  call: PredictionCall<Request>,
): Route {
  return {
    method: "POST",
    counter: arm.counter,
    ...(arm.served.runs === "on-thread" ? { needs: arm.served } : { computes: arm.served }),
    answer: (body, exchange) => {
      const request = call.read(body, exchange.headers);
      if (arm.served.runs === "on-thread") {
        later(exchange, arm, surroundings, { request, write: (answered) => call.write(answered, request) });
        return;
      }
      const pending = new PendingAnswer(exchange, arm, surroundings.settings);
      pending.parsed();
      const prediction = surroundings.dataPlane.predict(arm.served, request, pending);
      pending.prepare(prediction, call.write(prediction, request), request.records.length);
    },
  };
}

/** TensorFlow Serving's `:classify` or `:regress`. @throws HTTP_METHOD_UNFIT when the model is not one for it */
export function examplesRoute(
  method: "classify" | "regress",
  arm: ThreadedArm,
  surroundings: { readonly dataPlane: DataPlane; readonly settings: AnswerSettings },
): Route {
  const { model, signature } = arm.served;
  const fault = unfitFor(method, signature.output);
  if (fault !== undefined)
    throw httpErrors.HTTP_METHOD_UNFIT.error(`model "${model}" ${fault}`, { details: { model, method } });
  return predictionRoute(arm, surroundings, {
    read: (body) => parseV1Examples(body, arm.rules),
    write: (answered) => {
      if (method === "regress") return { body: writeV1Values(answered.outputs) };
      const { labels, scores } = classScores(signature.output, answered);
      return { body: writeV1Classes(labels, scores) };
    },
  });
}
