import { deserializeError, SlipwayError } from "../kernel/index.ts";
import {
  type CallOptions,
  type ControlClient,
  controlOperations,
  controlStreamLine,
  errorRecord,
  type OperationName,
  type OperationOutput,
} from "../wire/index.ts";
import { clientErrors } from "./errors.ts";
import { readNdjson } from "./ndjson.ts";

export interface HttpClientOptions {
  /** Of the console: `http://127.0.0.1:4700`. */
  readonly address: string;
  readonly token: string;
  /** Who calls, for the journal. */
  readonly actor: string;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
}

/** A control plane over HTTP. Runs wherever `fetch` does. */
export function createHttpClient(options: HttpClientOptions): ControlClient {
  const address = options.address.replace(/\/+$/, "");
  return {
    address,
    async call(operation, input, callOptions = {}) {
      const response = await post({ ...options, address }, { operation, input, signal: callOptions.signal });
      try {
        return await readAnswer({ address, operation, response, callOptions });
      } catch (error) {
        throw callOptions.signal?.aborted ? callOptions.signal.reason : explain(error, address);
      }
    },
  };
}

interface Call {
  readonly operation: OperationName;
  readonly input: unknown;
  readonly signal: AbortSignal | undefined;
}

async function post(options: HttpClientOptions, { operation, input, signal }: Call): Promise<Response> {
  const send = options.fetch ?? fetch;
  try {
    return await send(`${options.address}/api/v1/${operation}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/x-ndjson",
        authorization: `Bearer ${options.token}`,
        "x-slipway-actor": encodeURIComponent(options.actor),
      },
      body: JSON.stringify(input),
      // A redirect would carry the token to a place nobody named.
      redirect: "error",
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw clientErrors.CLIENT_UNREACHABLE.error(
      `no server answers at ${options.address} (${rootMessage(cause)})`,
      {
        details: { address: options.address },
        hint: "start it with `slipway up`, or check --server and SLIPWAY_SERVER",
        cause,
      },
    );
  }
}

interface Answer<Name extends OperationName> {
  readonly address: string;
  readonly operation: Name;
  readonly response: Response;
  readonly callOptions: CallOptions;
}

async function readAnswer<Name extends OperationName>(answer: Answer<Name>): Promise<OperationOutput<Name>> {
  const { address, operation, response, callOptions } = answer;
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok) throw await readRefusal(response, address);
  if (!type.startsWith("application/x-ndjson") || response.body === null) {
    await response.body?.cancel();
    throw badAnswer(address, `it sent ${type === "" ? "no content type" : type}`);
  }
  for await (const line of readNdjson(response.body)) {
    const parsed = controlStreamLine.safeParse(line);
    if (!parsed.success) throw badAnswer(address, "it sent a line of an unknown form");
    if ("progress" in parsed.data) callOptions.onProgress?.(parsed.data.progress);
    if ("error" in parsed.data) throw deserializeError(parsed.data.error);
    if ("result" in parsed.data) return parseResult(operation, { result: parsed.data.result, address });
  }
  throw cutOff(address);
}

function parseResult<Name extends OperationName>(
  operation: Name,
  { result, address }: { readonly result: unknown; readonly address: string },
): OperationOutput<Name> {
  const parsed = controlOperations[operation].output.safeParse(result);
  if (parsed.success) return parsed.data as OperationOutput<Name>;
  const issue = parsed.error.issues[0];
  throw badAnswer(address, `its result of ${operation} has ${issue?.path.join(".")}: ${issue?.message}`);
}

/** A refusal carries its error as JSON; anything else on the port answers in its own way. */
async function readRefusal(response: Response, address: string): Promise<SlipwayError> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    const parsed = errorRecord.safeParse(
      typeof body === "object" && body !== null && "error" in body ? body.error : null,
    );
    if (parsed.success) return deserializeError(parsed.data);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return badAnswer(address, `it answered HTTP ${response.status}`);
}

function badAnswer(address: string, what: string): SlipwayError {
  return clientErrors.CLIENT_BAD_ANSWER.error(
    `what answers at ${address} does not speak this version's protocol: ${what}`,
    {
      details: { address },
      hint: "check that the address is that of the console (port 4700 unless set otherwise), and `slipway --version` on both sides",
    },
  );
}

function cutOff(address: string, cause?: unknown): SlipwayError {
  return clientErrors.CLIENT_CUT_OFF.error(
    `the server at ${address} closed the connection before it gave a result`,
    {
      details: { address },
      hint: "`slipway status` says whether it still runs; `slipway runs` and `slipway journal` say what was done",
      cause,
    },
  );
}

function explain(error: unknown, address: string): unknown {
  if (error instanceof SlipwayError) return error;
  if (error instanceof SyntaxError) return badAnswer(address, "it sent a line that is not JSON");
  return cutOff(address, error);
}

/** `fetch` wraps what happened ("fetch failed") around why it happened ("connect ECONNREFUSED"). */
function rootMessage(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  if (!(root instanceof Error)) return String(root);
  const code = "code" in root && typeof root.code === "string" ? root.code : "";
  return root.message === "" ? code : root.message;
}
