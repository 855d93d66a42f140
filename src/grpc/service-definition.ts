import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** A request that could not be decoded; its handler refuses it, instead of an internal error of the transport. */
export class MalformedMessage {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

const BYTES = Symbol("bytes on the wire");

/** How long a request was on the wire. */
export function messageBytes(request: unknown): number {
  return typeof request === "object" && request !== null
    ? ((request as { readonly [BYTES]?: number })[BYTES] ?? 0)
    : 0;
}

/** Message types of one protocol, by name. */
export interface Messages {
  type(name: string): protobuf.Type;
}

const parsed = new Map<string, protobuf.Root>();

function rootOf(protocol: string): protobuf.Root {
  const known = parsed.get(protocol);
  if (known !== undefined) return known;
  const { root } = protobuf.parse(protocol, { keepCase: true });
  root.resolveAll();
  parsed.set(protocol, root);
  return root;
}

export function messagesOf(protocol: string): Messages {
  const root = rootOf(protocol);
  return { type: (name) => root.lookupType(name) };
}

/**
 * The methods of a service as grpc-js wants them.
 *
 * @param protocol text of a .proto file
 * @param name with its package, `inference.GRPCInferenceService`
 */
export function serviceDefinition(protocol: string, name: string): ServiceDefinition {
  const service = rootOf(protocol).lookupService(name);
  return Object.fromEntries(
    service.methodsArray.map((method) => [method.name, methodDefinition(method, name)]),
  );
}

function methodDefinition(method: protobuf.Method, service: string): MethodDefinition<unknown, unknown> {
  const { resolvedRequestType: request, resolvedResponseType: response } = method;
  if (request === null || response === null) throw new Error(`${service}/${method.name} has no types`);
  return {
    path: `/${service}/${method.name}`,
    originalName: method.name,
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    requestSerialize: (value) => encode(request, value),
    requestDeserialize: requestReader((bytes) => request.decode(bytes)),
    responseSerialize: (value) => encode(response, value),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function encode(type: protobuf.Type, value: unknown): Buffer {
  const bytes = type.encode(value as Record<string, unknown>).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A reader of requests that hands out what it cannot read as a `MalformedMessage`. */
export function requestReader(read: (bytes: Buffer) => object): (bytes: Buffer) => unknown {
  return (bytes) => {
    try {
      return Object.assign(read(bytes), { [BYTES]: bytes.length });
    } catch (thrown) {
      return new MalformedMessage(thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
}
