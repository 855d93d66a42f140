import type { ServerResponse } from "node:http";
import type { FeedbackIntake } from "../feedback/index.ts";
import type {
  DataPlane,
  ModelStatus,
  PredictionCounter,
  Protocol,
  ServedVersion,
  VersionSelector,
} from "../serving/index.ts";
import { EXPOSITION_TYPE } from "../telemetry/index.ts";
import {
  type AnswerTensor,
  type BodyLimits,
  type InputRules,
  inputRules,
  openapiDocument,
  outputTensors,
  parseV1Predict,
  parseV1Recommend,
  parseV2Infer,
  v1Metadata,
  v1Status,
  v2ModelMetadata,
  v2VersionSelector,
  writeV1Predictions,
  writeV1Recommendations,
  writeV2Response,
  writeV2Tensors,
} from "../wire/index.ts";
import { httpErrors } from "./errors.ts";
import { answerFeedback } from "./feedback-route.ts";
import { mlflowRoute } from "./mlflow-routes.ts";
import {
  type AnswerSettings,
  methodNotAllowed,
  PendingAnswer,
  PredictionHeaders,
  send,
  sendError,
  sendJson,
} from "./prediction-answer.ts";
import { examplesRoute } from "./prediction-call.ts";
import { repositoryRoute } from "./repository-routes.ts";
import { decoded, jsonBytesOf, type Route } from "./route.ts";
import { answerV1, answerV2 } from "./threaded-routes.ts";

export interface RouterOptions {
  readonly dataPlane: DataPlane;
  /** Without it there is no feedback here. */
  readonly feedback: FeedbackIntake | undefined;
  readonly limits: BodyLimits;
  readonly settings: AnswerSettings;
  /** What `/metrics` answers. */
  readonly metrics: () => Promise<string>;
  readonly serverName: string;
  readonly serverVersion: string;
}

/** Everything that a request to one arm needs, prepared once for each swap. */
interface PreparedArm {
  readonly served: ServedVersion;
  readonly rules: InputRules;
  readonly headers: PredictionHeaders;
  readonly counter: PredictionCounter;
}

const MAX_REMEMBERED_PATHS = 1_000;
const V1_PATH =
  /^\/v1\/models\/([^/:]+)(?:\/(versions|labels)\/([^/:]+))?(?:\/(metadata|openapi\.json)|:([a-z]+))?$/;
const V2_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer))?$/;

/** Finds what answers at a path; remembers it until the data plane swaps its models. */
export class PredictionRouter {
  readonly #options: RouterOptions;
  readonly #remembered = new Map<string, Route>();
  readonly #arms = new Map<Protocol, Map<ServedVersion, PreparedArm>>();
  #models: readonly ModelStatus[] = [];

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** @throws HTTP_NO_SUCH_PATH, HTTP_METHOD_NOT_ALLOWED, HTTP_NOT_IMPLEMENTED, SERVING_UNKNOWN_* and others of `find` */
  find(method: string, url: string): Route {
    const models = this.#options.dataPlane.models();
    if (models !== this.#models) {
      this.#models = models;
      this.#remembered.clear();
      this.#arms.clear();
    }
    let route = this.#remembered.get(url);
    if (route === undefined) {
      route = this.#resolve(url);
      if (this.#remembered.size < MAX_REMEMBERED_PATHS) this.#remembered.set(url, route);
    }
    if (method !== route.method && !(method === "HEAD" && route.method === "GET"))
      throw methodNotAllowed(method, route.method === "GET" ? "GET, HEAD" : route.method);
    return route;
  }

  #resolve(url: string): Route {
    const path = pathOf(url);
    const fixed =
      this.#fixed(path) ?? this.#mlflow(path, url.slice(path.length)) ?? repositoryRoute(path, this.#options);
    if (fixed !== undefined) return fixed;
    const v1 = V1_PATH.exec(path);
    if (v1 !== null) return this.#v1(v1);
    const v2 = V2_PATH.exec(path);
    if (v2 !== null) return this.#v2(v2);
    throw noSuchPath(path);
  }

  #fixed(path: string): Route | undefined {
    const { dataPlane, metrics, settings, serverName, serverVersion } = this.#options;
    const names = () => dataPlane.models().map(({ name }) => name);
    switch (path) {
      case "/":
        return this.#get(() => ({ status: "alive" }));
      case "/livez":
      case "/v2/health/live":
        return this.#get(() => ({ live: true }));
      case "/readyz":
      case "/v2/health/ready":
        return get((response) => {
          const ready = dataPlane.ready() && !settings.closing();
          const waiting = dataPlane.unready();
          const text = JSON.stringify({ live: true, ready, ...(waiting.length === 0 ? {} : { waiting }) });
          send(response, { status: ready ? 200 : 503, type: "application/json", text }, settings);
        });
      case "/metrics":
        return get((response) => {
          metrics().then(
            (text) => send(response, { status: 200, type: EXPOSITION_TYPE, text }, settings),
            (thrown: unknown) => sendError(response, thrown, settings),
          );
        });
      case "/v1/feedback":
        return this.#feedback();
      case "/v1/stream":
        return this.#get(() => streamDocument(dataPlane));
      case "/v1/models":
      case "/v2/models":
        return this.#get(() => ({ models: names() }));
      case "/v2":
      case "/v2/":
        return this.#get(() => ({
          name: serverName,
          version: serverVersion,
          extensions: ["binary_tensor_data", "model_repository", "statistics"],
        }));
      default:
        return undefined;
    }
  }

  #mlflow(path: string, query: string): Route | undefined {
    const prepare = (model: string, selector: VersionSelector | undefined) =>
      this.#prepare(model, selector, "http_mlflow");
    return mlflowRoute(path, new URLSearchParams(query), { ...this.#options, prepare });
  }

  #feedback(): Route | undefined {
    const { feedback: intake, limits, settings } = this.#options;
    if (intake === undefined) return undefined;
    return {
      method: "POST",
      answer: (body, { response }) => answerFeedback(body, response, { intake, limits, settings }),
    };
  }

  #get(document: () => unknown): Route {
    return get((response) => sendJson(response, document(), this.#options.settings));
  }

  #v1([path, name, kind, selected, metadata, verb]: RegExpExecArray): Route {
    const model = decoded(name!);
    if (kind === "versions" && !/^\d{1,10}$/.test(selected!)) throw noSuchPath(path);
    const selector =
      kind === "versions"
        ? { version: Number(selected) }
        : kind === "labels"
          ? { label: decoded(selected!) }
          : undefined;
    if (verb !== undefined) {
      if (verb === "predict") return this.#predictV1(this.#prepare(model, selector, "http_v1"));
      if (verb === "recommend") return this.#recommendV1(this.#prepare(model, selector, "http_v1"));
      if (verb === "classify" || verb === "regress")
        return examplesRoute(verb, this.#prepare(model, selector, "http_v1"), this.#options);
      // The one other verb that the protocol has.
      throw verb === "explain" ? notImplemented(verb) : noSuchPath(path);
    }
    if (metadata !== undefined) {
      const { served, rules } = this.#prepare(model, selector, "http_v1");
      const { version, signature } = served;
      if (metadata === "openapi.json")
        return this.#get(() => openapiDocument({ name: model, version, output: signature.output }, rules));
      return this.#get(() => v1Metadata({ name: model, version, ...outputShape(signature) }, rules));
    }
    return this.#statusV1(model, selector);
  }

  #statusV1(name: string, selector: VersionSelector | undefined): Route {
    const { dataPlane, settings } = this.#options;
    const status = this.#models.find((model) => model.name === name);
    // Finding it says what is wrong with an unknown name; a model without a champion has a status all the same.
    if (status === undefined || selector !== undefined) dataPlane.find(name, selector);
    const version = selector?.version ?? (selector === undefined ? undefined : status?.champion);
    const versions = (status?.versions ?? [])
      .filter((entry) => version === undefined || entry.version === version)
      .map((entry) => ({
        version: entry.version,
        available: entry.state === "available",
        ...(entry.problem === undefined ? {} : { problem: entry.problem }),
      }));
    const ready = status?.ready === true;
    const text = JSON.stringify(v1Status({ name, ready }, versions));
    return get((response) =>
      send(response, { status: ready ? 200 : 503, type: "application/json", text }, settings),
    );
  }

  #predictV1(arm: PreparedArm): Route {
    const { dataPlane, settings } = this.#options;
    if (arm.served.runs === "on-thread") return onThread(arm, answerV1(arm, this.#options));
    return {
      method: "POST",
      counter: arm.counter,
      computes: arm.served,
      answer: (body, call) => {
        const pending = new PendingAnswer(call, arm, settings);
        const request = parseV1Predict(body, arm.rules);
        pending.parsed();
        const prediction = dataPlane.predict(arm.served, request, pending);
        const { outputs, width } = prediction;
        const written = { body: writeV1Predictions(request.form, outputs, width) };
        pending.prepare(prediction, written, outputs.length / width);
      },
    };
  }

  #recommendV1(arm: PreparedArm): Route {
    const { dataPlane, settings } = this.#options;
    return {
      method: "POST",
      counter: arm.counter,
      answer: (body, call) => {
        const pending = new PendingAnswer(call, arm, settings);
        dataPlane.recommend(arm.served, parseV1Recommend(body, arm.rules), pending).then(
          // In the turn that logged it, whose end acknowledges it.
          ({ items, candidates, ...facts }) =>
            pending.prepare(facts, { body: writeV1Recommendations(items, candidates) }, items.length),
          (thrown: unknown) => {
            arm.counter.fail(thrown);
            sendError(call.response, thrown, settings);
          },
        );
      },
    };
  }

  #v2([, name, version, verb]: RegExpExecArray): Route {
    const model = decoded(name!);
    const selector = version === undefined ? undefined : v2VersionSelector(decoded(version));
    if (verb === "ready") return this.#readyV2(model, selector);
    const arm = this.#prepare(model, selector, "http_v2");
    const { served, rules } = arm;
    const output = served.signature.output.name;
    if (verb === "infer") return this.#inferV2(arm, output);
    const status = this.#models.find((entry) => entry.name === model);
    const versions = (status?.versions ?? []).map((entry) => entry.version);
    return this.#get(() =>
      v2ModelMetadata(
        { name: model, versions, engine: served.engine, ...outputShape(served.signature) },
        rules,
      ),
    );
  }

  #readyV2(model: string, selector: VersionSelector | undefined): Route {
    const { dataPlane } = this.#options;
    return this.#get(() => {
      dataPlane.find(model, selector);
      return { name: model, ready: true };
    });
  }

  #inferV2(arm: PreparedArm, output: string): Route {
    const { dataPlane, settings } = this.#options;
    if (arm.served.runs === "on-thread") return onThread(arm, answerV2(arm, this.#options));
    const { model, version } = arm.served;
    return {
      method: "POST",
      counter: arm.counter,
      computes: arm.served,
      answer: (body, call) => {
        const pending = new PendingAnswer(call, arm, settings);
        const request = parseV2Infer(body, arm.rules, output, jsonBytesOf(call.headers, body));
        pending.parsed();
        const prediction = dataPlane.predict(arm.served, request, pending);
        const { outputs, width } = prediction;
        const answer = { model, version, id: request.id, predictionId: prediction.id, output, width };
        const written =
          request.binaryOutputs.size === 0
            ? { body: writeV2Response(answer, outputs) }
            : writeV2Tensors(
                answer,
                outputTensors(arm.served.signature.output, prediction, request),
                request.binaryOutputs,
              );
        pending.prepare(prediction, written, outputs.length / width);
      },
    };
  }

  #prepare(model: string, selector: VersionSelector | undefined, protocol: Protocol): PreparedArm {
    const { dataPlane, limits } = this.#options;
    const served = dataPlane.find(model, selector);
    const arms = this.#arms.get(protocol) ?? new Map<ServedVersion, PreparedArm>();
    this.#arms.set(protocol, arms);
    const prepared = arms.get(served) ?? {
      served,
      rules: inputRules(model, served.signature.inputs, {
        ...limits,
        unbatched: served.signature.unbatched === true,
      }),
      headers: new PredictionHeaders(served),
      counter: dataPlane.counts.counterOf(served, protocol),
    };
    arms.set(served, prepared);
    return prepared;
  }
}

function onThread({ served, counter }: PreparedArm, answer: Route["answer"]): Route {
  return { method: "POST", counter, needs: served, answer };
}

function outputShape({ output: { name, width, tensors } }: ServedVersion["signature"]): {
  output: string;
  width?: number;
  tensors?: readonly AnswerTensor[];
} {
  return {
    output: name,
    ...(width === undefined ? {} : { width }),
    ...(tensors === undefined ? {} : { tensors }),
  };
}

function get(answer: (response: ServerResponse) => void): Route {
  return { method: "GET", answer: (_body, { response }) => answer(response) };
}

/** How far the windows of the worker that answers have followed the stream. */
function streamDocument(dataPlane: DataPlane): object {
  const { sequence = 0, ageMs = 0, problem } = dataPlane.streamProgress() ?? {};
  return { worker: dataPlane.incarnation, sequence, ageMs, ...(problem === undefined ? {} : { problem }) };
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

function noSuchPath(path: string): Error {
  return httpErrors.HTTP_NO_SUCH_PATH.error(`nothing answers at ${path.slice(0, 200)}`, {
    hint: "Predictions are made by POST /v1/models/<model>:predict or /v2/models/<model>/infer; GET /v1/models lists the models.",
  });
}

function notImplemented(verb: string): Error {
  return httpErrors.HTTP_NOT_IMPLEMENTED.error(
    `":${verb}" is not offered; use ":predict", ":classify", ":regress" or ":recommend"`,
    {
      details: { verb },
    },
  );
}
