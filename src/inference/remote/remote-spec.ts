import { inferenceErrors } from "../errors.ts";
import { type GraphInterface, interfaceOf } from "../onnx/graph-interface.ts";
import type { TensorDeclaration, TensorType } from "../onnx/tensor.ts";

/** What a bundle knows of a model at another server: where it is, how it is asked, and what it takes and answers. */
export interface RemoteSpec {
  readonly format: typeof REMOTE_FORMAT;
  readonly protocol: "v2";
  /** `http://host:port`, with a path before that of the protocol where there is one. */
  readonly addresses: readonly string[];
  readonly model: string;
  /** Of the model at its server; without it whichever is served there. */
  readonly version?: string;
  /** Of one try, 1 … 600,000. */
  readonly timeoutMs: number;
  /** Addresses that one request is sent to at most, one after the other. */
  readonly tries: number;
}

/** A tensor as the protocol's metadata declares it. */
export interface RemoteTensor {
  readonly name: string;
  readonly datatype: keyof typeof tensorTypeOf;
  /** −1 for an extent that every call may choose. */
  readonly shape: readonly number[];
}

/** A spec together with what its server said of the model. */
export interface DescribedRemote extends RemoteSpec {
  readonly platform: string;
  readonly inputs: readonly RemoteTensor[];
  readonly outputs: readonly RemoteTensor[];
}

export const REMOTE_FORMAT = "slipway.remote/1";

const DEFAULT_TIMEOUT_MS = 1_000;
const DEFAULT_TRIES = 2;
const MOST_TIMEOUT_MS = 600_000;
const MOST_ADDRESSES = 100;
const FIELDS = ["format", "protocol", "addresses", "model", "version", "timeoutMs", "tries"];

/** Datatypes of the Open Inference Protocol V2, as the tensors of a graph have them. */
export const tensorTypeOf = {
  BOOL: "bool",
  INT8: "int8",
  INT16: "int16",
  INT32: "int32",
  INT64: "int64",
  UINT8: "uint8",
  UINT16: "uint16",
  UINT32: "uint32",
  UINT64: "uint64",
  FP16: "float32",
  BF16: "float32",
  FP32: "float32",
  FP64: "float64",
  BYTES: "string",
} as const satisfies Readonly<Record<string, TensorType>>;

/** Reads what a user wrote. @throws INFERENCE_BAD_MODEL_FILE naming the member that is wrong */
export function parseRemoteSpec(bytes: Uint8Array): RemoteSpec {
  const document = jsonObject(bytes);
  const other = Object.keys(document).find((name) => !FIELDS.includes(name));
  if (other !== undefined) throw bad(other.slice(0, 100), `is not one of ${FIELDS.join(", ")}`);
  return specOf(document);
}

/** Reads what a bundle holds. @throws INFERENCE_BAD_MODEL_FILE */
export function parseDescribedRemote(bytes: Uint8Array): DescribedRemote {
  const document = jsonObject(bytes);
  const { platform, inputs, outputs } = document;
  if (typeof platform !== "string") throw bad("platform", "is not a text");
  return {
    ...specOf(document),
    platform,
    inputs: tensorsOf(inputs, "inputs"),
    outputs: tensorsOf(outputs, "outputs"),
  };
}

/** @throws INFERENCE_BAD_MODEL_FILE naming the tensor */
export function tensorsOf(value: unknown, field: string): readonly RemoteTensor[] {
  if (!Array.isArray(value)) throw bad(field, "is not a list of tensors");
  return value.map((tensor: unknown, at) => {
    const where = `${field}[${at}]`;
    if (!isObject(tensor) || typeof tensor.name !== "string") throw bad(where, "is not a tensor with a name");
    const { name, datatype, shape } = tensor;
    if (typeof datatype !== "string" || !isDatatype(datatype))
      throw bad(where, `has the datatype ${JSON.stringify(datatype) ?? "undefined"}`);
    if (
      !Array.isArray(shape) ||
      !shape.every((extent) => Number.isSafeInteger(extent) && Number(extent) >= -1)
    )
      throw bad(where, "has no shape");
    return { name, datatype, shape: shape as readonly number[] };
  });
}

/** The model as something that answers instances. @throws INFERENCE_UNSUPPORTED_MODEL for one without inputs or outputs */
export function remoteInterface({
  inputs,
  outputs,
}: Pick<DescribedRemote, "inputs" | "outputs">): GraphInterface {
  const declared = ({ name, datatype, shape }: RemoteTensor): TensorDeclaration => ({
    name,
    type: tensorTypeOf[datatype],
    shape: shape.map((extent) => (extent === -1 ? undefined : extent)),
  });
  return interfaceOf({ inputs: inputs.map(declared), outputs: outputs.map(declared) });
}

function specOf(document: Readonly<Record<string, unknown>>): RemoteSpec {
  const {
    format,
    protocol,
    addresses,
    model,
    version,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    tries = DEFAULT_TRIES,
  } = document;
  if (format !== REMOTE_FORMAT) throw bad("format", `is not "${REMOTE_FORMAT}"`);
  if (protocol !== "v2")
    throw bad("protocol", 'is not "v2", the one protocol by which other servers are asked');
  if (!Array.isArray(addresses) || addresses.length === 0 || addresses.length > MOST_ADDRESSES)
    throw bad("addresses", `is not a list of 1 to ${MOST_ADDRESSES} addresses`);
  if (typeof model !== "string" || model === "") throw bad("model", "is not the name of a model");
  if (version !== undefined && typeof version !== "string") throw bad("version", "is not a text");
  if (!isWhole(timeoutMs, MOST_TIMEOUT_MS))
    throw bad("timeoutMs", `is not a whole number from 1 to ${MOST_TIMEOUT_MS}`);
  if (!isWhole(tries, MOST_ADDRESSES))
    throw bad("tries", `is not a whole number from 1 to ${MOST_ADDRESSES}`);
  return {
    format,
    protocol,
    addresses: addresses.map((address: unknown, at) => addressOf(address, `addresses[${at}]`)),
    model,
    ...(version === undefined ? {} : { version }),
    timeoutMs,
    tries,
  };
}

/** Without a slash at its end. Passwords would be logged and copied with the bundle. */
function addressOf(address: unknown, field: string): string {
  const url = typeof address === "string" && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw bad(field, "is not a URL that begins with http:// or https://");
  if (url.username !== "" || url.password !== "")
    throw bad(field, "has a user or a password; a bundle is no place for secrets");
  if (url.search !== "" || url.hash !== "") throw bad(field, "has a query or a fragment");
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most;
}

function isDatatype(name: string): name is keyof typeof tensorTypeOf {
  return Object.hasOwn(tensorTypeOf, name);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isObject(document)) return document;
  } catch (cause) {
    throw bad("the file", "is not JSON", cause);
  }
  throw bad("the file", "is not a JSON object");
}

function bad(field: string, fault: string, cause?: unknown): Error {
  return inferenceErrors.INFERENCE_BAD_MODEL_FILE.error(
    `the description of a remote model is wrong: ${field} ${fault}`,
    {
      details: { format: "remote", field },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
