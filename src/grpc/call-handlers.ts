import { Metadata, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { monotonicMs, type SlipwayError } from "../kernel/index.ts";
import type { DataPlane, Instances, ServedVersion, Waiting } from "../serving/index.ts";
import type { AnswerTensor } from "../wire/index.ts";
import { statusOfError } from "./call-status.ts";
import { grpcErrors } from "./errors.ts";
import { MalformedMessage } from "./service-definition.ts";

/** What all calls of a server have in common. */
export interface CallContext {
  readonly dataPlane: DataPlane;
  /** Told of errors that nobody foresaw. */
  readonly onDefect: (error: unknown) => void;
}

export type UnaryHandler = (
  call: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
) => void;

/** A method that answers at once. */
export function answering<Request>(
  { onDefect }: CallContext,
  answer: (request: Request) => object,
): UnaryHandler {
  return (call, callback) => {
    try {
      callback(null, answer(requestOf<Request>(call.request)));
    } catch (thrown) {
      callback(statusOfError(thrown, onDefect));
    }
  };
}

/** A prediction to be made, and how its answer is written once it is known. */
export interface PlannedPrediction {
  readonly served: ServedVersion;
  readonly instances: Instances;
  readonly answer: (prediction: Answered) => object;
}

export interface Answered {
  readonly id: string;
  readonly outputs: readonly number[];
  readonly width: number;
  /** What an instance's numbers are, where they are not one number or one list of them. */
  readonly tensors?: readonly AnswerTensor[] | undefined;
  /** Where an output is a text, it is a place in these. */
  readonly texts?: readonly string[];
}

/** A method that predicts, and answers when its prediction is in the log. */
export function predicting<Request>(
  context: CallContext,
  plan: (request: Request) => PlannedPrediction,
): UnaryHandler {
  return (call, callback) => {
    try {
      predict(context, plan(requestOf<Request>(call.request)), callback);
    } catch (thrown) {
      callback(statusOfError(thrown, context.onDefect));
    }
  };
}

/** Predicts; the callback is called once, when the log has the prediction or has refused it. */
export function predict(
  { dataPlane, onDefect }: CallContext,
  planned: PlannedPrediction,
  callback: sendUnaryData<unknown>,
): void {
  const { served } = planned;
  let response: object | undefined;
  let trailer: Metadata | undefined;
  const since = monotonicMs();
  const counter = dataPlane.counts.counterOf(served);
  const refuse = (error: unknown): void => {
    counter.fail();
    callback(statusOfError(error, onDefect));
  };
  const waiting: Waiting = {
    acknowledge: (kept) => {
      trailer?.set("x-slipway-logged", kept);
      counter.count(planned.instances.records.length, since);
      callback(null, response, trailer);
    },
    refuse: (error: SlipwayError) => refuse(error),
  };
  const prepare = (prediction: Answered): void => {
    response = planned.answer(prediction);
    trailer = trailerOf(served, prediction.id);
  };
  if (served.runs === "inline")
    prepare(
      countingRefusals({ dataPlane }, served, () => dataPlane.predict(served, planned.instances, waiting)),
    );
  // In the turn that logged it, whose end acknowledges it.
  else dataPlane.predictOnThread(served, planned.instances, waiting).then(prepare, refuse);
}

/** A step of answering a request for a version; what it refuses is among the failures of that version. */
export function countingRefusals<Result>(
  { dataPlane }: Pick<CallContext, "dataPlane">,
  served: ServedVersion,
  step: () => Result,
): Result {
  try {
    return step();
  } catch (thrown) {
    dataPlane.counts.counterOf(served).fail();
    throw thrown;
  }
}

function trailerOf({ model, version, arm }: ServedVersion, id: string): Metadata {
  const trailer = new Metadata();
  trailer.set("x-slipway-prediction-id", id);
  trailer.set("x-slipway-model", encodeURIComponent(model));
  trailer.set("x-slipway-version", String(version));
  trailer.set("x-slipway-arm", arm);
  return trailer;
}

/** @throws GRPC_MALFORMED */
export function requestOf<Request>(request: unknown): Request {
  if (request instanceof MalformedMessage) {
    throw grpcErrors.GRPC_MALFORMED.error(`the message cannot be decoded: ${request.reason}`);
  }
  return request as Request;
}

/** @throws GRPC_NOT_OFFERED */
export function notOffered(method: string, hint: string): UnaryHandler {
  return (_call, callback) => {
    const error = grpcErrors.GRPC_NOT_OFFERED.error(`${method} is not offered`, { hint });
    callback(statusOfError(error, () => undefined));
  };
}
