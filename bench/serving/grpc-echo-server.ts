import { Server, ServerCredentials, type sendUnaryData } from "@grpc/grpc-js";

/**
 * The bare @grpc/grpc-js server that gRPC is measured against: it answers every call at once with a message of as many bytes
 * as the prediction server does, and neither decodes nor encodes anything.
 */
process.once("message", (order: { path: string; answerBytes: number }) => {
  const answer = Buffer.alloc(order.answerBytes, 32);
  const asItIs = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  server.addService(
    {
      echo: {
        path: order.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: asItIs,
        requestDeserialize: asItIs,
        responseSerialize: asItIs,
        responseDeserialize: asItIs,
      },
    },
    {
      echo: (call: { readonly request: Buffer }, callback: sendUnaryData<Buffer>) => {
        callback(null, call.request.length > 0 ? answer : Buffer.alloc(0));
      },
    },
  );
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.send?.({ port });
  });
});
