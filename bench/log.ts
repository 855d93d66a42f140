import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { CompactedLog, compactSegments, queryLog } from "../src/compaction/index.ts";
import { createRandom, digestOf, monotonicMs, systemClock } from "../src/kernel/index.ts";
import {
  COMPACTED,
  completeHeader,
  frameBytes,
  headerTemplate,
  PAYLOAD_PREFIX_BYTES,
  PREDICTION_LOG,
  PredictionIds,
  parsePredictionId,
} from "../src/serving/index.ts";
import { listSegments, openSegmentWriter } from "../src/storage/index.ts";
import type { BenchOptions, BenchRow } from "./bench-row.ts";

const INCARNATION = "01jd3k0000aaaaaa";
const START = Date.parse("2026-03-01T10:00:00Z");
const FEATURES = 8;
const RUNS = 3;
const LOOK_UPS = 200;

/**
 * Segments become Parquet — decoded, written, synced, read back and compared byte for byte — against DuckDB's own COPY of the same
 * rows from memory with one thread, which does none of that; and what is asked of the compacted log. The best of three counts.
 */
export async function bench({ short }: BenchOptions): Promise<BenchRow[]> {
  const rows = short ? 20_000 : 300_000;
  const folder = mkdtempSync(join(tmpdir(), "slipway-bench-log-"));
  try {
    let ours = Number.POSITIVE_INFINITY;
    let peer = Number.POSITIVE_INFINITY;
    let share = 0;
    let log = "";
    for (let run = 0; run < (short ? 1 : RUNS); run++) {
      log = join(folder, `log-${run}`);
      const bytes = writeLog(log, rows);
      const segments = (await listSegments(log)).map(({ segment }) => segment);
      const startedAt = monotonicMs();
      const record = await compactSegments({ directory: log, segments, clock: systemClock });
      ours = Math.min(ours, monotonicMs() - startedAt);
      share = record!.files.reduce((sum, file) => sum + file.bytes, record!.seals.bytes) / bytes;
      const files = record!.files.map(({ path }) => join(log, COMPACTED, path));
      peer = Math.min(peer, await copyAgain(files, join(folder, `copy-${run}.parquet`)));
    }
    const asked = monotonicMs();
    const sql = "SELECT model, version, count(*), avg(output) FROM predictions GROUP BY ALL";
    await queryLog({ directory: log, sql, scratch: join(folder, "scratch"), limit: 10 });
    const queryMs = monotonicMs() - asked;
    const perSecond = (ms: number): number => (rows * 1000) / ms;
    return [
      {
        claim: "segments into Parquet, verified",
        ours: perSecond(ours),
        peer: perSecond(peer),
        peerName: "DuckDB COPY of the rows in memory",
        ratio: peer / ours,
        unit: "requests/s",
      },
      { claim: "room of the compacted log, of its segments", ours: share * 100, unit: "%" },
      {
        claim: `look-up by id among ${rows.toLocaleString("en")}`,
        ours: await lookUpMs(log, rows),
        unit: "ms",
      },
      { claim: `count and mean over ${rows.toLocaleString("en")}`, ours: queryMs, unit: "ms" },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Frames as a worker writes them for a model of eight features, and how many bytes they are. */
function writeLog(directory: string, rows: number): number {
  const random = createRandom("log");
  const writer = openSegmentWriter({
    directory,
    prefix: PREDICTION_LOG,
    incarnation: INCARNATION,
    clock: systemClock,
  });
  const header = headerTemplate({
    incarnation: INCARNATION,
    model: "late",
    version: 3,
    bundle: digestOf(Buffer.from("bundle")),
    arm: "champion",
    featureCount: FEATURES,
  });
  let written = 0;
  for (let sequence = 0; sequence < rows; sequence++) {
    const input = Buffer.from(
      `[{"distance":${random.integer(3_000)},"origin":"a${random.integer(300)}","hour":${random.integer(24)},"fare":${(random.float() * 500).toFixed(2)}}]`,
    );
    const headerBytes = header.length;
    const bytes = Buffer.alloc(
      frameBytes({ headerBytes, instances: 1, featureCount: FEATURES, width: 1, inputBytes: input.length }),
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    bytes.set(header);
    for (let at = 0; at < 4; at++) bytes.writeUInt32LE(random.integer(0xffffffff), headerBytes + at * 4);
    view.setUint32(headerBytes + 16, input.length, true);
    for (let at = 0; at <= FEATURES; at++)
      view.setFloat64(headerBytes + PAYLOAD_PREFIX_BYTES + at * 8, random.integer(1_000) / 8, true);
    bytes.set(input, bytes.length - input.length);
    const payloadDigest = Buffer.from(digestOf(bytes.subarray(headerBytes)), "hex").toString("latin1");
    completeHeader({ bytes, view }, { instances: 1, time: timeOf(sequence), sequence, payloadDigest });
    writer.append(bytes);
    written += bytes.length;
    if (sequence % 64 === 0) writer.flushSync();
  }
  writer.close();
  return written;
}

const timeOf = (sequence: number): number => START + Math.floor(sequence / 50);

/** DuckDB reads the same rows into memory, unmeasured, and copies them to a file, measured. */
async function copyAgain(files: readonly string[], path: string): Promise<number> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const list = files.map((file) => `'${file}'`).join(", ");
    await connection.run(`CREATE TABLE rows AS FROM read_parquet([${list}], hive_partitioning = false)`);
    const startedAt = monotonicMs();
    await connection.run(`COPY rows TO '${path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)`);
    return monotonicMs() - startedAt;
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

/** The mean of look-ups all over the log, the table engine being open. */
async function lookUpMs(directory: string, rows: number): Promise<number> {
  const random = createRandom("look-ups");
  const ids = new PredictionIds(INCARNATION);
  const compacted = new CompactedLog(directory);
  const find = async (sequence: number): Promise<void> => {
    const found = await compacted.find(parsePredictionId(ids.write(timeOf(sequence), sequence)));
    if (found?.sequence !== sequence) throw new Error(`request ${sequence} was not found`);
  };
  try {
    await find(0);
    const startedAt = monotonicMs();
    for (let look = 0; look < LOOK_UPS; look++) await find(random.integer(rows));
    return (monotonicMs() - startedAt) / LOOK_UPS;
  } finally {
    await compacted.close();
  }
}
