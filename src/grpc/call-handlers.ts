import { Metadata, type MetadataValue, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { monotonicMs, type SlipwayError, systemClock } from "../kernel/index.ts";
import {
  type DataPlane,
  type Instances,
  type Kept,
  type PredictionCounter,
  type QueueRefusal,
  type ServedVersion,
  type ServicePace,
  shedError,
  type Waiting,
  type Work,
} from "../serving/index.ts";
import type { RequestObserver } from "../telemetry/index.ts";
import type { AnswerTensor } from "../wire/index.ts";
import { type RefusingContext, refusal } from "./call-status.ts";
import { grpcErrors } from "./errors.ts";
import { type ObservedCall, observeCall } from "./observed-call.ts";
import { MalformedMessage, messageBytes } from "./service-definition.ts";

/** What all calls of a server have in common. */
export interface CallContext extends RefusingContext {
  readonly dataPlane: DataPlane;
  /** Watches calls for the access log and for traces. */
  readonly observer: RequestObserver | undefined;
  /** How long an answer is waited for when a call has no deadline. */
  readonly timeoutMs: number;
}

export type UnaryHandler = (
  call: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
) => void;

/** A method that answers at once. */
export function answering<Request>(context: CallContext, answer: (request: Request) => object): UnaryHandler {
  return (call, ended) => {
    const { callback } = observeCall(context, call, ended);
    try {
      callback(null, answer(requestOf<Request>(call.request)));
    } catch (thrown) {
      callback(refusal(thrown, context, call.request));
    }
  };
}

/** A prediction to be made. */
export interface PlannedPrediction {
  readonly served: ServedVersion;
  /** Reads the instances; a bad request is refused by an error. */
  readonly read: () => ReadPrediction;
}

/** A prediction whose instances are known, and how its answer is written once that is. */
export interface ReadPrediction {
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

/** What a call says of itself. */
export interface CallFacts {
  /** Of the message. */
  readonly bytes: number;
  /** When its client stops waiting, by `monotonicMs`. */
  readonly deadline: number;
  readonly cancelled: () => boolean;
}

/** A method that predicts, and answers when its prediction is in the log. */
export function predicting<Request>(
  context: CallContext,
  plan: (request: Request) => PlannedPrediction,
): UnaryHandler {
  return (call, ended) => {
    const observed = observeCall(context, call, ended);
    const { callback } = observed;
    try {
      const { request } = call;
      const planned = plan(requestOf<Request>(request));
      predict(context, { ...planned, ...factsOf(context, call, request) }, observed);
    } catch (thrown) {
      callback(refusal(thrown, context, call.request));
    }
  };
}

/** @param message of a call, which may bring several */
export function factsOf(
  { timeoutMs }: CallContext,
  call: Pick<ServerUnaryCall<unknown, unknown>, "getDeadline"> & { readonly cancelled: boolean },
  message: unknown,
): CallFacts {
  const leftMs = Number(call.getDeadline()) - systemClock();
  return {
    bytes: messageBytes(message),
    deadline: monotonicMs() + (Number.isFinite(leftMs) ? leftMs : timeoutMs),
    cancelled: () => call.cancelled,
  };
}

/** Predicts; the callback is called once, when the log has the prediction or it was refused. */
export function predict(
  context: CallContext,
  call: PlannedPrediction & CallFacts,
  observed: ObservedCall,
): void {
  const { dataPlane } = context;
  const prediction = new GrpcPrediction(context, call, observed);
  if (call.served.runs === "inline") dataPlane.queue.submit(prediction);
  else prediction.run();
}

class GrpcPrediction implements Work, Waiting {
  readonly canBeSlowed = false;
  readonly since = monotonicMs();
  readonly #context: CallContext;
  readonly #call: PlannedPrediction & CallFacts;
  readonly #callback: sendUnaryData<unknown>;
  readonly #observation: ObservedCall["observation"];
  readonly #counter: PredictionCounter;
  #instances = 0;
  #response: object | undefined;
  #trailer: Metadata | undefined;

  constructor(context: CallContext, call: PlannedPrediction & CallFacts, observed: ObservedCall) {
    this.#context = context;
    this.#call = call;
    this.#callback = observed.callback;
    this.#observation = observed.observation;
    this.#observation?.passed("arrived");
    this.#counter = context.dataPlane.counts.counterOf(call.served, context.protocol);
  }

  get bytes(): number {
    return this.#call.bytes;
  }

  get deadline(): number {
    return this.#call.deadline;
  }

  get pace(): ServicePace {
    return this.#counter.pace;
  }

  wanted(): boolean {
    return !this.#call.cancelled();
  }

  run(): void {
    const { served } = this.#call;
    const { dataPlane } = this.#context;
    const observation = this.#observation;
    observation?.passed("started");
    try {
      const { instances, answer } = this.#call.read();
      observation?.passed("parsed");
      this.#instances = instances.records.length;
      const prepare = (prediction: Answered): void => {
        this.#response = answer(prediction);
        this.#trailer = trailerOf(served, prediction.id);
        if (observation === undefined) return;
        observation.passed("predicted");
        const { model, version, arm } = served;
        const { id: predictionId } = prediction;
        observation.answer = { model, version, arm, predictionId, instances: this.#instances };
      };
      if (served.runs === "inline") prepare(dataPlane.predict(served, instances, this));
      // In the turn that logged it, whose end acknowledges it.
      else
        dataPlane
          .predictOnThread(served, instances, this)
          .then(prepare, (thrown: unknown) => this.#fail(thrown));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  shed(reason: QueueRefusal, retryAfterMs: number): void {
    this.#fail(shedError(this.#call.served, reason, retryAfterMs));
  }

  acknowledge(kept: Kept): void {
    this.#trailer?.set("x-slipway-logged", kept);
    this.#observation?.passed("logged");
    this.#counter.count(this.#instances, this.since);
    this.#callback(null, this.#response, this.#trailer);
  }

  refuse(error: SlipwayError): void {
    this.#fail(error);
  }

  #fail(thrown: unknown): void {
    this.#counter.fail(thrown);
    this.#callback(refusal(thrown, this.#context, { name: this.#call.served.model }));
  }
}

/**
 * The trailers of an answer. grpc-js checks and copies those of other `Metadata` for every call; these are known to be good,
 * and are sent once.
 */
class PredictionTrailer extends Metadata {
  readonly #headers: Readonly<Record<string, string>>;
  #hasMore = false;

  constructor(headers: Readonly<Record<string, string>>) {
    super();
    this.#headers = headers;
  }

  override set(name: string, value: MetadataValue): void {
    super.set(name, value);
    this.#hasMore = true;
  }

  override clone(): Metadata {
    return this;
  }

  override toHttp2Headers(): ReturnType<Metadata["toHttp2Headers"]> {
    return this.#hasMore ? { ...super.toHttp2Headers(), ...this.#headers } : this.#headers;
  }
}

function trailerOf({ model, version, arm }: ServedVersion, id: string): Metadata {
  return new PredictionTrailer({
    "x-slipway-prediction-id": id,
    "x-slipway-model": encodeURIComponent(model),
    "x-slipway-version": String(version),
    "x-slipway-arm": arm,
  });
}

/** @throws GRPC_MALFORMED */
export function requestOf<Request>(request: unknown): Request {
  if (request instanceof MalformedMessage) {
    throw grpcErrors.GRPC_MALFORMED.error(`the message cannot be decoded: ${request.reason}`);
  }
  return request as Request;
}

/** @throws GRPC_NOT_OFFERED */
export function notOffered(context: CallContext, method: string, hint: string): UnaryHandler {
  return (call, callback) => {
    const error = grpcErrors.GRPC_NOT_OFFERED.error(`${method} is not offered`, { hint });
    callback(refusal(error, context, call.request));
  };
}
