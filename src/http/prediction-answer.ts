import type { ServerResponse } from "node:http";
import { feedbackErrors } from "../feedback/index.ts";
import { type ErrorDetails, SlipwayError } from "../kernel/index.ts";
import {
  type Kept,
  type Prediction,
  type PredictionCounter,
  type ServedVersion,
  servingErrors,
  type Waiting,
} from "../serving/index.ts";
import type { RequestObservation } from "../telemetry/index.ts";
import { mlflowError } from "../wire/index.ts";
import { acceptedCoding, compressAnswer, WORTH_COMPRESSING_BYTES } from "./compression.ts";
import { statusOfKind } from "./error-status.ts";
import { httpErrors } from "./errors.ts";
import { observationOf } from "./observed-response.ts";
import type { RefusalCounter } from "./refusal-counter.ts";
import type { HttpCall } from "./route.ts";

const JSON_TYPE = "application/json";

/** What all answers of a server have in common. */
export interface AnswerSettings {
  readonly refusals: RefusalCounter;
  /** Told of errors that nobody foresaw. */
  readonly onDefect: (error: unknown) => void;
  /** True once the server drains. */
  readonly closing: () => boolean;
  /** Asked once for each answer: whether it is the last on its connection. */
  readonly closesConnection: () => boolean;
}

/** Statuses that say more than the kind of their error. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  [httpErrors.HTTP_BODY_TOO_LARGE.code]: 413,
  [httpErrors.HTTP_METHOD_NOT_ALLOWED.code]: 405,
  [httpErrors.HTTP_ENCODING_UNSUPPORTED.code]: 415,
  [httpErrors.HTTP_TYPE_UNSUPPORTED.code]: 415,
  [httpErrors.HTTP_NOT_IMPLEMENTED.code]: 501,
  [servingErrors.SERVING_TOO_MANY_INSTANCES.code]: 413,
  [servingErrors.SERVING_DEADLINE_EXCEEDED.code]: 504,
  [feedbackErrors.FEEDBACK_TOO_MANY_ITEMS.code]: 413,
};

export function sendJson(response: ServerResponse, value: unknown, settings: AnswerSettings): void {
  send(response, { status: 200, type: JSON_TYPE, text: JSON.stringify(value) }, settings);
}

/**
 * Answers `{"error": message, "code": …, …details}`, the form of TensorFlow Serving and Triton with more in it; under
 * MLflow's path the form of MLflow.
 */
export function sendError(response: ServerResponse, thrown: unknown, settings: AnswerSettings): void {
  const error = thrown instanceof SlipwayError ? thrown : unexpected(thrown, settings);
  const status = STATUS_OF_CODE[error.code] ?? statusOfKind[error.kind];
  settings.refusals.count(response.req.url ?? "", { code: error.code, status: String(status) });
  const observation = observationOf(response);
  if (observation !== undefined) observation.code = error.code;
  const isScoring = /^\/invocations(?:\?|$)/.test(response.req.url ?? "");
  const text = JSON.stringify(isScoring ? mlflowError(error) : errorDocument(error));
  send(response, { status, type: JSON_TYPE, text, headers: headersOf(error) }, settings);
}

export function errorDocument(error: SlipwayError): object {
  return {
    error: error.message,
    code: error.code,
    ...(Object.keys(error.details).length === 0 ? {} : { details: error.details }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

function headersOf(error: SlipwayError): string[] {
  const headers: string[] = [];
  const { allow, retryAfterSeconds = 1 } = error.details;
  if (typeof allow === "string") headers.push("allow", allow);
  if (error.retryable) headers.push("retry-after", String(retryAfterSeconds));
  return headers;
}

function unexpected(thrown: unknown, settings: AnswerSettings): SlipwayError {
  settings.onDefect(thrown);
  return httpErrors.HTTP_UNEXPECTED.error("the server failed to answer this request", { cause: thrown });
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: readonly string[];
}

export function send(response: ServerResponse, answer: Answer, settings: AnswerSettings): void {
  if (response.headersSent || response.destroyed) return;
  const headers = ["content-type", answer.type, "content-length", String(Buffer.byteLength(answer.text))];
  if (answer.headers !== undefined) headers.push(...answer.headers);
  if (settings.closesConnection()) headers.push("connection", "close");
  const observation = observationOf(response);
  if (observation !== undefined) {
    observation.bytesOut = Number(headers[3]);
    if (observation.traceresponse !== undefined) headers.push("traceresponse", observation.traceresponse);
  }
  response.writeHead(answer.status, headers);
  response.end(answer.text);
}

/** What the headers say of one prediction. */
type PredictionFacts = Pick<Prediction, "id" | "streamSequence">;

/** The headers of one arm's answers; the places of length and id are filled in for each. */
export class PredictionHeaders {
  readonly #headers: string[];
  readonly #closing: string[];
  #sequenceAt = -1;
  readonly #loggedAt: number;

  constructor({ model, version, arm, hasWindows }: ServedVersion) {
    this.#headers = [
      ...["content-type", JSON_TYPE, "content-length", "", "x-slipway-prediction-id", ""],
      ...["x-slipway-model", model, "x-slipway-version", String(version), "x-slipway-arm", arm],
      ...["x-slipway-logged", "full"],
    ];
    this.#loggedAt = this.#headers.length - 1;
    if (hasWindows) this.#sequenceAt = this.#headers.push("x-slipway-stream-sequence", "") - 1;
    this.#closing = [...this.#headers, "connection", "close"];
  }

  /** The same array each time: node:http reads it before it returns. */
  fill(length: number, { id, streamSequence, kept }: AnswerFacts, closing: boolean): string[] {
    const headers = closing ? this.#closing : this.#headers;
    headers[this.#loggedAt] = kept;
    if (streamSequence !== undefined) headers[this.#sequenceAt] = String(streamSequence);
    headers[3] = String(length);
    headers[5] = id;
    return headers;
  }
}

interface AnswerFacts extends PredictionFacts {
  readonly kept: Kept;
}

/** What is sent: text, or JSON with binary tensors behind it. */
export interface AnswerBody {
  readonly body: string | Buffer;
  /** How much of it is JSON, where there is more. */
  readonly jsonBytes?: number;
}

/** An answer that waits for its prediction to be in the log. */
export class PendingAnswer implements Waiting {
  readonly #call: HttpCall;
  readonly #headers: PredictionHeaders;
  readonly #counter: PredictionCounter;
  readonly #settings: AnswerSettings;
  readonly #observation: RequestObservation | undefined;
  #facts: PredictionFacts = { id: "" };
  #written: AnswerBody = { body: "" };
  #instances = 0;
  #kept: Kept = "full";

  constructor(
    call: HttpCall,
    arm: { readonly headers: PredictionHeaders; readonly counter: PredictionCounter },
    settings: AnswerSettings,
  ) {
    this.#call = call;
    this.#headers = arm.headers;
    this.#counter = arm.counter;
    this.#settings = settings;
    this.#observation = observationOf(call.response);
  }

  /** The request has been read and understood. */
  parsed(): void {
    this.#observation?.passed("parsed");
  }

  get deadline(): number {
    return this.#call.deadline;
  }

  /** What to answer when the log has it. */
  prepare(facts: PredictionFacts, written: AnswerBody, instances: number): void {
    this.#facts = facts;
    this.#written = written;
    this.#instances = instances;
    this.#observation?.passed("predicted");
  }

  acknowledge(kept: Kept): void {
    this.#kept = kept;
    if (this.#observation !== undefined) this.#observe(this.#observation);
    const { body, jsonBytes } = this.#written;
    const length = Buffer.byteLength(body);
    if (length >= WORTH_COMPRESSING_BYTES || typeof body !== "string") {
      this.#sendLong(body, jsonBytes);
      return;
    }
    this.#call.response.writeHead(200, this.#fill(length));
    // Most bodies are ASCII, which node:http writes faster when it is told so.
    this.#call.response.end(body, length === body.length ? "latin1" : "utf8");
    this.#counter.count(this.#instances, this.#call.since);
  }

  #observe(observation: RequestObservation): void {
    observation.passed("logged");
    const { model, version, arm } = this.#counter.counted;
    observation.answer = { model, version, arm, predictionId: this.#facts.id, instances: this.#instances };
  }

  /** An answer with binary tensors, or one that may be worth compressing. */
  #sendLong(body: string | Buffer, jsonBytes: number | undefined): void {
    const write = (bytes: Buffer, more: readonly string[]): void => {
      // The client may have gone while the answer was compressed.
      if (this.#call.response.destroyed) return;
      const headers = [...this.#fill(bytes.length), ...more];
      if (jsonBytes !== undefined) {
        headers[1] = "application/octet-stream";
        headers.push("inference-header-content-length", String(jsonBytes));
      }
      this.#call.response.writeHead(200, headers);
      this.#call.response.end(bytes);
      this.#counter.count(this.#instances, this.#call.since);
    };
    const plain = typeof body === "string" ? Buffer.from(body) : body;
    if (plain.length < WORTH_COMPRESSING_BYTES) {
      write(plain, []);
      return;
    }
    const vary = ["vary", "accept-encoding"];
    const coding = acceptedCoding(this.#call.response.req.headers["accept-encoding"]?.toString());
    if (coding === undefined) write(plain, vary);
    else
      compressAnswer(plain, coding, (compressed) => {
        if (compressed === undefined) write(plain, vary);
        else write(compressed, [...vary, "content-encoding", coding]);
      });
  }

  #fill(length: number): string[] {
    const { id, streamSequence } = this.#facts;
    const facts =
      streamSequence === undefined ? { id, kept: this.#kept } : { id, streamSequence, kept: this.#kept };
    const headers = this.#headers.fill(length, facts, this.#settings.closesConnection());
    const observation = this.#observation;
    if (observation === undefined) return headers;
    observation.bytesOut = length;
    const { traceresponse } = observation;
    return traceresponse === undefined ? headers : [...headers, "traceresponse", traceresponse];
  }

  refuse(error: SlipwayError): void {
    this.#counter.fail(error);
    sendError(this.#call.response, error, this.#settings);
  }
}

export function methodNotAllowed(method: string, allow: string): SlipwayError {
  return httpErrors.HTTP_METHOD_NOT_ALLOWED.error(`${method} is not possible here; use ${allow}`, {
    details: { allow } satisfies ErrorDetails,
  });
}
