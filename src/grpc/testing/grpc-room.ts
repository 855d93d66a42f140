import {
  type CallOptions,
  Client,
  credentials,
  type Metadata,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { expect, onTestFinished } from "vitest";
import type { AdmissionLimits } from "../../serving/index.ts";
import { openServingRoom } from "../../serving/testing/serving-room.ts";
import { routingOf, writeSmallBundle } from "../../serving/testing/small-bundle.ts";
import { type GrpcServerOptions, startGrpcServer } from "../grpc-server.ts";
import { healthProtocol } from "../protocols/health.ts";
import { inferenceProtocol } from "../protocols/inference.ts";
import { tensorflowServingProtocol } from "../protocols/tensorflow-serving.ts";
import { serviceDefinition } from "../service-definition.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers of many forms are looked into
export type Message = any;

export interface Answer {
  readonly message: Message;
  readonly trailers: Metadata;
}

/** The services of the gRPC port, by a short name. */
export const services = {
  inference: serviceDefinition(inferenceProtocol, "inference.GRPCInferenceService"),
  prediction: serviceDefinition(tensorflowServingProtocol, "tensorflow.serving.PredictionService"),
  model: serviceDefinition(tensorflowServingProtocol, "tensorflow.serving.ModelService"),
  health: serviceDefinition(healthProtocol, "grpc.health.v1.Health"),
};

/** A gRPC server with the model `late`, and a client; a defect fails the test. */
export async function openGrpcRoom({
  admission = {},
  ...options
}: Partial<GrpcServerOptions> & { readonly admission?: Partial<AdmissionLimits> } = {}) {
  const room = await openServingRoom({ admission });
  await room.dataPlane.apply(routingOf(1, [await writeSmallBundle(room.blobs, { base: 0.25 })]));
  const defects: unknown[] = [];
  const server = await startGrpcServer({
    dataPlane: room.dataPlane,
    listen: { host: "127.0.0.1", port: 0 },
    onDefect: (error) => defects.push(error),
    ...options,
  });
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  onTestFinished(async () => {
    client.close();
    await server.close({ graceMs: 0 });
    expect(defects).toEqual([]);
  });
  const call = (
    service: keyof typeof services,
    method: string,
    request: object | Buffer,
    callOptions: CallOptions = {},
  ): Promise<Answer> => {
    const { path, requestSerialize, responseDeserialize } = services[service][method] as MethodDefinition<
      unknown,
      Message
    >;
    return new Promise((resolve, reject) => {
      let trailers: Metadata;
      let message: Message;
      const sent = client.makeUnaryRequest(
        path,
        (value: unknown) => (Buffer.isBuffer(value) ? value : requestSerialize(value)),
        responseDeserialize,
        request,
        callOptions,
        (error, answer) => {
          if (error) reject(error);
          else message = answer;
        },
      );
      sent.on("status", ({ metadata }) => {
        trailers = metadata;
        if (message !== undefined) resolve({ message, trailers });
      });
    });
  };
  const refusal = async (
    service: keyof typeof services,
    method: string,
    request: object | Buffer,
    callOptions: CallOptions = {},
  ): Promise<ServiceError> => {
    try {
      await call(service, method, request, callOptions);
    } catch (error) {
      return error as ServiceError;
    }
    throw new Error("the call was answered");
  };
  return { ...room, server, client, call, refusal };
}
