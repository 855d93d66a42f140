import { clientErrors } from "./errors.ts";

export interface PredictRequest {
  /** Of the prediction port: `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly model: string;
  /** Without it the champion answers. */
  readonly version?: number;
  /** Raw records, as their columns are named in the dataset. */
  readonly instances: readonly Readonly<Record<string, unknown>>[];
  readonly signal?: AbortSignal;
}

export interface PredictAnswer {
  /** One per instance: a probability for a binary model, a value for a regression. */
  readonly predictions: readonly unknown[];
  /** What `slipway replay` takes; `.0`, `.1` … behind it name the instances. */
  readonly predictionId: string | null;
  readonly version: number | null;
}

/** What later turned out to be true about one prediction. */
export interface FeedbackEntry {
  readonly predictionId: string;
  /** Default: the model's target. */
  readonly name?: string;
  readonly value: unknown;
  /** ISO time at which it became known. Default: now, by the server's clock. */
  readonly at?: string;
}

export interface FeedbackAnswer {
  readonly accepted: number;
  readonly corrected: number;
  readonly duplicate: number;
  readonly refused: number;
  /** What became of each entry, in their order. */
  readonly results: readonly FeedbackResult[];
}

export interface FeedbackResult {
  readonly outcome: "accepted" | "corrected" | "duplicate" | "refused";
  /** True when no prediction of this id is in reach of the server. */
  readonly unmatched?: boolean;
  /** Why it was refused, and the code of that. */
  readonly error?: string;
  readonly code?: string;
}

/**
 * Asks the prediction port, by the V1 protocol.
 *
 * @throws CLIENT_UNREACHABLE, CLIENT_PREDICTION_REFUSED with the server's own words, CLIENT_BAD_ANSWER
 */
export async function predict(request: PredictRequest): Promise<PredictAnswer> {
  const { address, model, version, instances, signal } = request;
  const at = version === undefined ? "" : `/versions/${version}`;
  const url = `${address}/v1/models/${encodeURIComponent(model)}${at}:predict`;
  const response = await send(url, { body: JSON.stringify({ instances }), signal, address });
  const text = await response.text();
  const body = parse(text);
  if (!response.ok) {
    throw clientErrors.CLIENT_PREDICTION_REFUSED.error(
      refusalText(body) ?? `HTTP ${response.status}: ${text.slice(0, 500)}`,
      {
        details: { status: response.status, model },
      },
    );
  }
  if (!hasPredictions(body)) {
    throw clientErrors.CLIENT_BAD_ANSWER.error(`what answers at ${address} sent no predictions`, {
      details: { address },
    });
  }
  const servedBy = response.headers.get("x-slipway-version");
  return {
    predictions: body.predictions,
    predictionId: response.headers.get("x-slipway-prediction-id"),
    version: servedBy !== null && /^\d+$/.test(servedBy) ? Number(servedBy) : null,
  };
}

/**
 * Gives feedback to the prediction port. It is kept when this resolves.
 *
 * @throws CLIENT_UNREACHABLE, CLIENT_FEEDBACK_REFUSED with the server's own words, CLIENT_BAD_ANSWER
 */
export async function sendFeedback(request: {
  readonly address: string;
  readonly feedback: readonly FeedbackEntry[];
  readonly signal?: AbortSignal;
}): Promise<FeedbackAnswer> {
  const { address, feedback, signal } = request;
  const response = await send(`${address}/v1/feedback`, {
    body: JSON.stringify({ feedback }),
    signal,
    address,
  });
  const text = await response.text();
  const body = parse(text);
  if (!response.ok) {
    throw clientErrors.CLIENT_FEEDBACK_REFUSED.error(
      refusalText(body) ?? `HTTP ${response.status}: ${text.slice(0, 500)}`,
      { details: { status: response.status } },
    );
  }
  if (!isFeedbackAnswer(body, feedback.length)) {
    throw clientErrors.CLIENT_BAD_ANSWER.error(
      `what answers at ${address} did not say what became of the feedback`,
      {
        details: { address },
      },
    );
  }
  return body;
}

async function send(
  url: string,
  {
    body,
    signal,
    address,
  }: { readonly body: string; readonly signal: AbortSignal | undefined; readonly address: string },
): Promise<Response> {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw clientErrors.CLIENT_UNREACHABLE.error(`nothing answers predictions at ${address}`, {
      details: { address },
      hint: "start the server with `slipway up`",
      cause,
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Both spellings of an error: a text, or an object with a message. */
function refusalText(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  const { error } = body;
  if (typeof error === "string") return error;
  return typeof error === "object" && error !== null && "message" in error
    ? String(error.message)
    : undefined;
}

function hasPredictions(body: unknown): body is { predictions: unknown[] } {
  return (
    typeof body === "object" && body !== null && "predictions" in body && Array.isArray(body.predictions)
  );
}

function isFeedbackAnswer(body: unknown, entries: number): body is FeedbackAnswer {
  return (
    typeof body === "object" &&
    body !== null &&
    "results" in body &&
    Array.isArray(body.results) &&
    body.results.length === entries
  );
}
