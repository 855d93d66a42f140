import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { monotonicMs, type SlipwayError } from "../kernel/index.ts";
import {
  type QueueRefusal,
  type ServicePace,
  shedError,
  type Work,
  type WorkQueue,
} from "../serving/index.ts";
import { type ContentCoding, contentCoding, inflateBody } from "./compression.ts";
import { deadlineMs } from "./deadline.ts";
import { httpErrors } from "./errors.ts";
import { observationOf } from "./observed-response.ts";
import { type AnswerSettings, sendError } from "./prediction-answer.ts";
import type { BodyReceiver } from "./prediction-message.ts";
import type { HttpCall, Route } from "./route.ts";

export interface ExchangeSettings extends AnswerSettings {
  readonly queue: WorkQueue;
  readonly maxBodyBytes: number;
  /** How long a client waits that does not say how long it does. */
  readonly timeoutMs: number;
}

/** One request with a body, from its headers to what answers it. */
export class Exchange implements BodyReceiver, HttpCall, Work {
  readonly response: ServerResponse;
  readonly headers: IncomingHttpHeaders;
  readonly canBeSlowed = true;
  since = 0;
  deadline = 0;
  readonly #route: Route;
  readonly #settings: ExchangeSettings;
  readonly #timeoutMs: number;
  /** How the body is compressed; undefined for a plain one. */
  readonly #coding: ContentCoding | undefined;
  #body: Buffer = NO_BODY;

  /** @throws HTTP_BODY_TOO_LARGE, HTTP_ENCODING_UNSUPPORTED, HTTP_BAD_HEADER */
  constructor(
    route: Route,
    { response, headers }: Pick<HttpCall, "response" | "headers">,
    settings: ExchangeSettings,
  ) {
    this.#route = route;
    this.response = response;
    this.headers = headers;
    this.#settings = settings;
    const coding = headers["content-encoding"];
    this.#coding = coding === undefined ? undefined : contentCoding(coding);
    if (Number(headers["content-length"] ?? 0) > settings.maxBodyBytes)
      throw bodyTooLarge(settings.maxBodyBytes);
    this.#timeoutMs = deadlineMs(headers, settings.timeoutMs);
  }

  get bytes(): number {
    return this.#body.length;
  }

  get pace(): ServicePace {
    return this.#route.counter!.pace;
  }

  receive(body: Buffer): void {
    this.since = monotonicMs();
    observationOf(this.response)?.passed("arrived");
    this.deadline = this.since + this.#timeoutMs;
    const coding = this.#coding;
    if (coding === undefined) {
      this.#arrive(body);
      return;
    }
    const { maxBodyBytes: maxBytes } = this.#settings;
    inflateBody(body, { coding, maxBytes, tooLarge: () => bodyTooLarge(maxBytes) }, (error, inflated) => {
      if (error === null) this.#arrive(inflated);
      else sendError(this.response, error, this.#settings);
    });
  }

  #arrive(body: Buffer): void {
    this.#body = body;
    if (this.#route.computes === undefined) this.run();
    else this.#settings.queue.submit(this);
  }

  refuse(): void {
    sendError(this.response, bodyTooLarge(this.#settings.maxBodyBytes), this.#settings);
  }

  wanted(): boolean {
    return !this.response.destroyed;
  }

  run(): void {
    observationOf(this.response)?.passed("started");
    try {
      this.#route.answer(this.#body, this);
    } catch (thrown) {
      this.#route.counter?.fail(thrown);
      sendError(this.response, thrown, this.#settings);
    }
  }

  shed(reason: QueueRefusal, retryAfterMs: number): void {
    const { counter, computes } = this.#route;
    const error = shedError(computes!, reason, retryAfterMs);
    counter!.fail(error);
    sendError(this.response, error, this.#settings);
  }
}

const NO_BODY = Buffer.alloc(0);

function bodyTooLarge(limit: number): SlipwayError {
  return httpErrors.HTTP_BODY_TOO_LARGE.error(`the body is longer than the ${limit} bytes that are read`, {
    details: { limit },
    hint: "Send the instances in several requests, or raise the limit.",
  });
}
