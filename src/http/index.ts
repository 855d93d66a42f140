export { type Console, type ConsoleOptions, startConsole } from "./console.ts";
export { statusOfKind } from "./error-status.ts";
export { httpErrors } from "./errors.ts";
export {
  type ListenTarget,
  type PredictionLimits,
  type PredictionServer,
  type PredictionServerOptions,
  type ServerLoad,
  startPredictionServer,
} from "./prediction-server.ts";
