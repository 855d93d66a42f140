export { grpcErrors } from "./errors.ts";
export { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "./grpc-server.ts";
