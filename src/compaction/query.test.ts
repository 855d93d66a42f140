import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestOf, systemClock } from "../kernel/index.ts";
import { PREDICTION_LOG } from "../serving/index.ts";
import { listSegments, openSegmentWriter } from "../storage/index.ts";
import { compactSegments } from "./compact.ts";
import { type FrameRow, frameOfRow } from "./frame-row.ts";
import { type LogAnswer, queryLog } from "./query.ts";

const INCARNATION = "01jd3k0000aaaaaa";
const START = Date.parse("2026-03-01T10:59:59Z");

function row(sequence: number, more: Partial<FrameRow> = {}): FrameRow {
  const instances = more.instances ?? 1;
  const records = Array.from({ length: instances }, (_, at) => ({ place: `p${at}`, n: sequence }));
  return {
    id: "",
    time: START + sequence * 1000,
    model: "late",
    version: 2,
    arm: "champion",
    bundle: digestOf("bundle"),
    incarnation: INCARNATION,
    sequence,
    instances,
    featureCount: 2,
    width: 1,
    derivedCount: null,
    streamSequence: null,
    features: Float64Array.from({ length: instances * 2 }, (_, at) => at + sequence / 10),
    outputs: Float64Array.from({ length: instances }, (_, at) => at + sequence),
    windowValues: new Float64Array(0),
    input: Buffer.from(JSON.stringify(records)),
    salt: new Uint8Array(16),
    payloadDigest: new Uint8Array(32).fill(7),
    frame: null,
    ...more,
  };
}

const HEADER_ONLY = {
  width: null,
  features: null,
  outputs: null,
  windowValues: null,
  input: null,
  salt: null,
};

/** A log of which the first part has been compacted. */
async function openLog(compacted: readonly FrameRow[], fresh: readonly FrameRow[]) {
  const directory = await mkdtemp(join(tmpdir(), "slipway-query-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const write = (rows: readonly FrameRow[]): void => {
    const writer = openSegmentWriter({
      directory,
      prefix: PREDICTION_LOG,
      incarnation: INCARNATION,
      clock: () => 0,
    });
    for (const one of rows) writer.append(frameOfRow(one));
    writer.close();
  };
  write(compacted);
  const segments = (await listSegments(directory)).map(({ segment }) => segment);
  await compactSegments({ directory, segments, clock: systemClock });
  write(fresh);
  const ask = (sql: string, more: Partial<Parameters<typeof queryLog>[0]> = {}): Promise<LogAnswer> =>
    queryLog({ directory, sql, scratch: join(directory, "scratch"), limit: 100, ...more });
  return { directory, ask };
}

const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => undefined,
    (thrown) => thrown.code ?? thrown,
  );

describe("a query of the log", () => {
  it("sees each prediction once, whether it has been compacted or not", async () => {
    const { ask } = await openLog([row(0), row(1), row(2)], [row(3), row(4)]);
    const { columns, rows } = await ask(
      "SELECT sequence, record->>'n' AS n, output FROM predictions ORDER BY 1",
    );
    expect(columns).toEqual([
      { name: "sequence", type: "BIGINT" },
      { name: "n", type: "VARCHAR" },
      { name: "output", type: "DOUBLE" },
    ]);
    expect(rows).toEqual([0, 1, 2, 3, 4].map((n) => [String(n), String(n), n]));
  });

  it("has a row for each instance, with its own record, features and outputs", async () => {
    const { ask } = await openLog([row(0, { instances: 3 })], []);
    const { rows } = await ask(
      "SELECT id, instance::INT, record->>'place', features, outputs FROM predictions ORDER BY instance",
    );
    expect(rows.map(([id, ...rest]) => [String(id).slice(-2), ...rest])).toEqual([
      [".0", 0, "p0", [0, 1], [0]],
      [".1", 1, "p1", [2, 3], [1]],
      [".2", 2, "p2", [4, 5], [2]],
    ]);
  });

  it("counts predictions of which only the header was kept", async () => {
    const { ask } = await openLog(
      [row(0), row(1, { ...HEADER_ONLY, payloadDigest: new Uint8Array(32) })],
      [row(2, HEADER_ONLY)],
    );
    const { rows } = await ask(
      "SELECT kept, count(*)::INT, count(record)::INT FROM predictions GROUP BY 1 ORDER BY 1",
    );
    expect(rows).toEqual([
      ["forgotten", 1, 0],
      ["full", 1, 1],
      ["sampled-out", 1, 0],
    ]);
  });

  it("shows the texts' records and the windows of a model that has some", async () => {
    const texts = Buffer.from('{"records":[{"a":1}],"texts":["x"]}');
    const windows = { derivedCount: 2, streamSequence: 9, windowValues: Float64Array.of(START, 5, 6) };
    const { ask } = await openLog([row(0, { input: texts }), row(1, windows)], []);
    const { rows } = await ask(
      "SELECT record, row_time, window_values, stream_sequence::INT FROM predictions ORDER BY sequence",
    );
    expect(rows).toEqual([
      ['{"a":1}', null, null, null],
      ['{"place":"p0","n":1}', "2026-03-01 10:59:59", [5, 6], 9],
    ]);
  });

  it("writes the whole answer to a file", async () => {
    const { directory, ask } = await openLog([row(0), row(1)], [row(2)]);
    const path = join(directory, "answer.csv");
    const { written, rows } = await ask("SELECT sequence FROM predictions ORDER BY 1;", {
      out: { path, format: "csv" },
    });
    expect({ written, rows }).toEqual({ written: 3, rows: [] });
    expect(await readFile(path, "utf8")).toBe("sequence\n0\n1\n2\n");
  });

  it("says when there are more rows than it may answer", async () => {
    const { ask } = await openLog([row(0), row(1)], [row(2)]);
    const { rows, more } = await ask("FROM predictions", { limit: 2 });
    expect({ rows: rows.length, more }).toEqual({ rows: 2, more: true });
  });

  it.each([
    ["SELECT nothing FROM predictions"],
    ["SELEC 1"],
    [""],
    ["SELECT 1; SELECT 2"],
    ["DELETE FROM fresh"],
    ["SELECT ? FROM predictions"],
    ["COPY predictions TO '/tmp/stolen.csv'"],
    ["ATTACH '/tmp/other.db'"],
    ["SET enable_external_access = true"],
    ["INSTALL httpfs"],
    ["SELECT * FROM read_text('/etc/passwd')"],
    ["SELECT * FROM read_csv('/etc/passwd')"],
    ["SELECT * FROM '/etc/passwd'"],
    ["SELECT * FROM glob('/etc/*')"],
    ["SELECT 1) TO '/tmp/stolen.csv'; --"],
  ])("refuses %s", async (sql) => {
    const { directory, ask } = await openLog([row(0)], []);
    expect(await codeOf(ask(sql))).toBe("COMPACTION_BAD_QUERY");
    const out = { path: join(directory, "answer.parquet"), format: "parquet" } as const;
    expect(await codeOf(ask(sql, { out }))).toBe("COMPACTION_BAD_QUERY");
  });

  it("ends when it needs too much memory, saying so", async () => {
    const { ask } = await openLog([row(0)], []);
    const sql = "SELECT list(a.range) FROM range(30000) a, range(30000) b, predictions";
    expect(await codeOf(ask(sql, { memoryBytes: 64 * 1024 * 1024 }))).toBe("COMPACTION_QUERY_TOO_LARGE");
  });
});
