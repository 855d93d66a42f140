export { canonicalJson, type JsonValue } from "./canonical-json.ts";
export { type Clock, monotonicMs, sleep, systemClock } from "./clock.ts";
export {
  createDigester,
  type Digest,
  digestOf,
  digestOfJson,
  isDigest,
  parseDigest,
  shortDigest,
} from "./digest.ts";
export { kernelErrors } from "./errors.ts";
export { encodeBase32, entropy, newId } from "./ids.ts";
export {
  civilFromDays,
  daysFromCivil,
  formatIsoTime,
  parseIsoTime,
  type UtcParts,
  utcDay,
  utcDayOfYear,
  utcHour,
  utcMinute,
  utcMonth,
  utcParts,
  utcWeekday,
  utcYear,
} from "./iso-time.ts";
export { exp, expm1, log, log1p, log2, log10, logit, pow, sigmoid, tanh } from "./math.ts";
export { createRandom, type Random } from "./random.ts";
export { siblingModule } from "./sibling-module.ts";
export {
  assertNever,
  defineErrors,
  deserializeError,
  type ErrorDefinition,
  type ErrorDetail,
  type ErrorDetails,
  type ErrorFactory,
  type ErrorKind,
  type ErrorTable,
  type SerializedError,
  SlipwayError,
} from "./slipway-error.ts";
export {
  type ColumnType,
  type FeatureColumn,
  type FeatureMatrix,
  gatherFloats,
  isStringType,
  type NumberColumn,
  type StringColumn,
  selectRows,
  type Table,
  type TableColumn,
} from "./table.ts";
export { cos, sin } from "./trigonometry.ts";
