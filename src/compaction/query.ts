import { join } from "node:path";
import type { SlipwayError } from "../kernel/index.ts";
import {
  COMPACTED,
  KIND_SEAL,
  listRawSegments,
  PREDICTION_LOG,
  peekFrame,
  servingErrors,
} from "../serving/index.ts";
import { readSegments } from "../storage/index.ts";
import { compactionErrors } from "./errors.ts";
import { rowOfFrame } from "./frame-row.ts";
import { FRAME_COLUMNS, valuesOfRow } from "./log-tables.ts";
import { sqlText } from "./sql-text.ts";
import type { TableEngine } from "./table-engine.ts";

export interface LogQuery {
  /** Of the prediction log. */
  readonly directory: string;
  /** One SELECT statement over `predictions`. */
  readonly sql: string;
  /** A folder that is made and removed again; what does not fit into memory goes there. */
  readonly scratch: string;
  /** Most rows of the answer. */
  readonly limit: number;
  /** Given, the whole answer is written to this new file instead. */
  readonly out?: QueryOutput;
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
}

export interface QueryOutput {
  readonly path: string;
  /** `json`: an object a line. */
  readonly format: "parquet" | "csv" | "json";
}

export interface LogAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Row by row, in the order of the columns; as JSON has them: times and large integers are texts. */
  readonly rows: readonly (readonly unknown[])[];
  /** Whether there are more than the limit. */
  readonly more: boolean;
  /** Rows written to the file. */
  readonly written: number | null;
  /** Damage of the log: what lies there is not in the answer. */
  readonly problems: readonly string[];
}

/**
 * Answers a query over all that is logged, compacted or not, a row for each instance. The statement can read `predictions`
 * and nothing else: no file, no network, no setting.
 *
 * @throws COMPACTION_BAD_QUERY, COMPACTION_QUERY_TOO_LARGE
 */
export async function queryLog(query: LogQuery): Promise<LogAnswer> {
  const { directory, sql, scratch, signal, out } = query;
  // Loaded late: it brings native code.
  const { withTableEngine } = await import("./table-engine.ts");
  return await withTableEngine(
    { scratch, signal, ...(query.memoryBytes === undefined ? {} : { memoryBytes: query.memoryBytes }) },
    async (engine) => {
      const problems: string[] = [];
      const files = await fillFresh(engine, directory, (problem) => problems.push(problem.message));
      await createView(engine, files);
      await lock(engine, out === undefined ? files : [...files, out.path]);
      try {
        const columns = await describeQuery(engine, sql);
        if (out !== undefined) {
          const written = await writeAnswer(engine, sql, out);
          return { columns, rows: [], more: false, written, problems };
        }
        return { columns, ...(await readAnswer(engine, query)), written: null, problems };
      } catch (thrown) {
        signal?.throwIfAborted();
        throw badQuery(thrown);
      }
    },
  );
}

/** Reads what has not been compacted into a table, and names the files of what has been. */
async function fillFresh(
  engine: TableEngine,
  directory: string,
  onDamage: (error: SlipwayError) => void,
): Promise<readonly string[]> {
  const { segments, compactions } = await listRawSegments(directory);
  const except = new Set(compactions.flatMap((record) => record.segments));
  const fresh = await engine.createTable("fresh", FRAME_COLUMNS);
  if (segments.length > 0) {
    for await (const { frame } of readSegments(directory, { prefix: PREDICTION_LOG, except, onDamage })) {
      try {
        if (peekFrame(frame).kind !== KIND_SEAL) fresh.append(valuesOfRow(rowOfFrame(frame).row));
      } catch (thrown) {
        if (!servingErrors.SERVING_BAD_FRAME.is(thrown)) throw thrown;
        onDamage(thrown);
      }
    }
  }
  fresh.finish();
  return compactions.flatMap(({ files }) => files.map(({ path }) => join(directory, COMPACTED, path)));
}

/**
 * A row for each instance. Where only a header was kept, `record`, `features` and `outputs` are null: such predictions
 * are counted all the same.
 */
async function createView(engine: TableEngine, files: readonly string[]): Promise<void> {
  const names = FRAME_COLUMNS.map(({ name }) => `"${name}"`).join(", ");
  const compacted =
    files.length === 0
      ? ""
      : `SELECT ${names} FROM read_parquet([${files.map(sqlText).join(", ")}], hive_partitioning = false) UNION ALL `;
  const list = (column: string, width: string): string =>
    `${column}[instance * ${width} + 1 : (instance + 1) * ${width}]`;
  const wide = "(1 + derived_count)";
  await engine.run(`CREATE VIEW predictions AS
    SELECT
      CASE WHEN instances = 1 THEN id ELSE id || '.' || instance END AS id,
      id AS request_id, instance, instances, time, model, version, arm, bundle,
      CASE WHEN width IS NOT NULL OR frame IS NOT NULL THEN 'full'
           WHEN payload_digest = repeat('\\x00', 32)::BLOB THEN 'sampled-out'
           ELSE 'forgotten' END AS kept,
      records[instance + 1] AS record,
      ${list("features", "feature_count")} AS features,
      CASE WHEN width = 1 THEN outputs[instance + 1] END AS output,
      ${list("outputs", "width")} AS outputs,
      CASE WHEN derived_count IS NOT NULL AND NOT isnan(window_values[instance * ${wide} + 1])
           THEN make_timestamp((window_values[instance * ${wide} + 1] * 1000)::BIGINT) END AS row_time,
      CASE WHEN derived_count IS NOT NULL
           THEN window_values[instance * ${wide} + 2 : (instance + 1) * ${wide}] END AS window_values,
      stream_sequence::BIGINT AS stream_sequence,
      incarnation AS worker, sequence
    FROM (
      SELECT *, unnest(range(instances)) AS instance,
        TRY(CASE WHEN input[1] = '[' THEN json_extract(input, '$[*]')
                 ELSE json_extract(input, '$.records[*]') END) AS records
      FROM (${compacted}SELECT ${names} FROM fresh)
    )`);
}

/** From here on the engine reads these files and no others, and nobody can change that. */
async function lock(engine: TableEngine, files: readonly string[]): Promise<void> {
  await engine.run(`SET allowed_paths = [${files.map(sqlText).join(", ")}]`);
  await engine.run("SET enable_external_access = false");
  await engine.run("SET lock_configuration = true");
}

/** @throws COMPACTION_BAD_QUERY unless it is one SELECT that can be run */
async function describeQuery(engine: TableEngine, sql: string): Promise<LogAnswer["columns"]> {
  if (sql.replace(/--.*|[\s;]+/g, "") === "") throw refused("it is empty");
  const { StatementType } = await import("@duckdb/node-api");
  const statements = await engine.connection.extractStatements(sql);
  if (statements.count !== 1)
    throw refused(`it has ${statements.count} statements; write one SELECT statement`);
  const prepared = await statements.prepare(0);
  try {
    if (prepared.statementType !== StatementType.SELECT)
      throw refused("it is no SELECT statement, and the log can only be read");
    if (prepared.parameterCount > 0) throw refused("it has parameters; write their values into it");
    return Array.from({ length: prepared.columnCount }, (_, index) => ({
      name: prepared.columnName(index),
      type: prepared.columnType(index).toString(),
    }));
  } finally {
    prepared.destroySync();
  }
}

async function readAnswer(
  engine: TableEngine,
  { sql, limit }: LogQuery,
): Promise<Pick<LogAnswer, "rows" | "more">> {
  const result = await engine.connection.stream(sql);
  const rows: (readonly unknown[])[] = [];
  for await (const some of result.yieldRowsJson()) {
    rows.push(...some);
    if (rows.length > limit) return { rows: rows.slice(0, limit), more: true };
  }
  return { rows, more: false };
}

const FORMATS = {
  parquet: "FORMAT parquet, COMPRESSION zstd",
  csv: "FORMAT csv, HEADER",
  json: "FORMAT json",
} as const;

async function writeAnswer(engine: TableEngine, sql: string, { path, format }: QueryOutput): Promise<number> {
  const inner = sql.trim().replace(/;$/, "");
  const copied = await engine.connection.runAndReadAll(
    `COPY (\n${inner}\n) TO ${sqlText(path)} (${FORMATS[format]})`,
  );
  return Number(copied.getRowsJS()[0]?.[0] ?? 0);
}

function refused(problem: string): SlipwayError {
  return compactionErrors.COMPACTION_BAD_QUERY.error(`the query cannot be run: ${problem}`, {
    details: { problem },
    hint: "Its only table is predictions: `DESCRIBE predictions` lists the columns.",
  });
}

/** Errors of the table engine, in its words but for paths of this machine. */
function badQuery(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || compactionErrors.COMPACTION_BAD_QUERY.is(thrown)) return thrown;
  const message = thrown.message.trim().replace(/^Failed to extract statements: /, "");
  if (/^Out of Memory Error/.test(message)) {
    return compactionErrors.COMPACTION_QUERY_TOO_LARGE.error(
      `the query needs more memory than it may have: ${message.split("\n")[0]}`,
      { hint: "Narrow it with WHERE, or group by fewer values.", cause: thrown },
    );
  }
  if (/^Permission Error/.test(message)) return refused("it reads or writes something else than predictions");
  if (/^[A-Z][A-Za-z ]*Error:/.test(message)) return refused(message);
  return thrown;
}
