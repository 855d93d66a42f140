import { digestOf, formatIsoTime } from "../kernel/index.ts";
import type { FrameRow } from "./frame-row.ts";
import type { ColumnKind, Value } from "./row-vectors.ts";
import { sqlText } from "./sql-text.ts";

/** A logged request in Parquet, column by column. */
export const FRAME_COLUMNS = [
  { name: "id", kind: "text" },
  { name: "time", kind: "time" },
  { name: "model", kind: "text" },
  { name: "version", kind: "whole" },
  { name: "arm", kind: "text" },
  { name: "bundle", kind: "text" },
  { name: "incarnation", kind: "text" },
  { name: "sequence", kind: "whole" },
  { name: "instances", kind: "whole" },
  { name: "feature_count", kind: "whole" },
  { name: "width", kind: "whole" },
  { name: "derived_count", kind: "whole" },
  { name: "stream_sequence", kind: "double" },
  { name: "features", kind: "doubles" },
  { name: "outputs", kind: "doubles" },
  { name: "window_values", kind: "doubles" },
  { name: "input", kind: "text" },
  { name: "salt", kind: "bytes" },
  { name: "payload_digest", kind: "bytes" },
  { name: "frame", kind: "bytes" },
] as const satisfies readonly ColumnKind[];

/** A seal of a group in Parquet. */
export const SEAL_COLUMNS = [
  { name: "incarnation", kind: "text" },
  { name: "first_sequence", kind: "whole" },
  { name: "predictions", kind: "whole" },
  { name: "before", kind: "bytes" },
  { name: "after", kind: "bytes" },
] as const satisfies readonly ColumnKind[];

export function valuesOfRow(row: FrameRow): Value[] {
  return [
    row.id,
    row.time,
    row.model,
    row.version,
    row.arm,
    row.bundle,
    row.incarnation,
    row.sequence,
    row.instances,
    row.featureCount,
    row.width,
    row.derivedCount,
    row.streamSequence,
    row.features,
    row.outputs,
    row.windowValues,
    row.input,
    row.salt,
    row.payloadDigest,
    row.frame,
  ];
}

/** The row of values in the order of `FRAME_COLUMNS`. */
export function rowOfValues(values: readonly Value[]): FrameRow {
  const [id, time, model, version, arm, bundle, incarnation, sequence, instances, featureCount] = values;
  const [width, derivedCount, streamSequence, features, outputs, windowValues] = values.slice(10);
  const [input, salt, payloadDigest, frame] = values.slice(16);
  return {
    id: id as string,
    time: time as number,
    model: model as string,
    version: version as number,
    arm: arm as string,
    bundle: bundle as string,
    incarnation: incarnation as string,
    sequence: sequence as number,
    instances: instances as number,
    featureCount: featureCount as number,
    width: width as number | null,
    derivedCount: derivedCount as number | null,
    streamSequence: streamSequence as number | null,
    features: features as Float64Array | null,
    outputs: outputs as Float64Array | null,
    windowValues: windowValues as Float64Array | null,
    input: input === null ? null : Buffer.from(input as string),
    salt: salt as Uint8Array | null,
    payloadDigest: payloadDigest as Uint8Array,
    frame: frame as Uint8Array | null,
  };
}

const ROW_GROUP_ROWS = 16_384;

/** Writes a table as one Parquet file, its rows in their order. */
export function copyTable(table: string, path: string): string {
  return `COPY ${table} TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`;
}

/** Columns of a Parquet file, and which of its rows. */
export function selectFrom(path: string, columns: readonly ColumnKind[], where = ""): string {
  const names = columns.map(({ name }) => `"${name}"`).join(", ");
  return `SELECT ${names} FROM read_parquet(${sqlText(path)}, hive_partitioning = false)${where}`;
}

const HOUR_MS = 3_600_000;

export function hourOf(time: number): number {
  return Math.floor(time / HOUR_MS) * HOUR_MS;
}

/** `model=late/date=2026-01-31/hour=07` */
export function partitionPath(model: string, hour: number): string {
  const text = formatIsoTime(hour);
  return `model=${folderName(model)}/date=${text.slice(0, 10)}/hour=${text.slice(11, 13)}`;
}

/** A model's name where it can be one of a folder in a backup; otherwise what is left of it, and its digest. */
function folderName(model: string): string {
  if (/^(?!.*\.\.)[A-Za-z0-9_.-]{1,100}$/.test(model)) return model;
  return `${model.slice(0, 80).replaceAll(/[^A-Za-z0-9_-]/g, "_")}-${digestOf(Buffer.from(model)).slice(0, 12)}`;
}
