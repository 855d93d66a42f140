import { defineErrors } from "../kernel/index.ts";

export const grpcErrors = defineErrors({
  GRPC_MALFORMED: { kind: "invalid", doc: "A gRPC message is not one of the method that it was sent to." },
  GRPC_BAD_REQUEST: {
    kind: "invalid",
    doc: "A gRPC request asks for what its protocol or its model does not have.",
  },
  GRPC_NOT_OFFERED: { kind: "unsupported", doc: "A method of a protocol that this server does not offer." },
  GRPC_CANNOT_LISTEN: { kind: "unavailable", doc: "The address for gRPC cannot be listened on." },
  GRPC_UNEXPECTED: { kind: "internal", doc: "A defect: the server failed to answer a gRPC request." },
});
