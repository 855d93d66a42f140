import type { SchemaColumn } from "./snapshot.ts";
import { sqlName } from "./sql-quoting.ts";

/** SQL that compares the rows of two selects by key. Columns are renamed by position: k0, k1, … and c0, c1, …. */

export interface KeyedRows {
  /** Selects with the columns k0 … and c0 …, as `keyedFields` names them. */
  readonly before: string;
  readonly after: string;
  readonly keys: number;
  readonly columns: number;
}

export function keyedFields(keys: readonly SchemaColumn[], columns: readonly SchemaColumn[]): string[] {
  return [
    ...keys.map(({ name }, at) => `${sqlName(name)} AS k${at}`),
    ...columns.map(({ name }, at) => `${sqlName(name)} AS c${at}`),
  ];
}

/** One key that several rows share, if there is one, and how many rows have it. */
export function sharedKey(select: string, keys: number): string {
  const names = numbered(keys, (at) => `k${at}`).join(", ");
  const texts = numbered(keys, (at) => `k${at}::VARCHAR AS t${at}`).join(", ");
  return `SELECT ${texts}, count(*)::DOUBLE AS rows FROM (${select}) GROUP BY ${names} HAVING count(*) > 1 ORDER BY ${names} LIMIT 1`;
}

/** `added`, `removed`, `common`, `changed`, and how many common rows differ in each column: `d0`, `d1`, …. */
export function countChanges(rows: KeyedRows): string {
  const both = "a.here AND b.here";
  const counts = [
    "count(*) FILTER (WHERE a.here IS NULL)::DOUBLE AS added",
    "count(*) FILTER (WHERE b.here IS NULL)::DOUBLE AS removed",
    `count(*) FILTER (WHERE ${both})::DOUBLE AS common`,
    `count(*) FILTER (WHERE ${both} AND (${anyDiffers(rows)}))::DOUBLE AS changed`,
    ...numbered(rows.columns, (at) => `count(*) FILTER (WHERE ${both} AND ${differs(at)})::DOUBLE AS d${at}`),
  ];
  return `SELECT ${counts.join(", ")} FROM ${joined(rows)}`;
}

export type ChangeKind = "added" | "removed" | "changed";

/** The first changes of a kind in the order of their keys: `t0 …` keys, and for changed rows `b0 …` before and `a0 …` after. */
export function firstChanges(rows: KeyedRows, kind: ChangeKind, limit: number): string {
  const where = {
    added: "a.here IS NULL",
    removed: "b.here IS NULL",
    changed: `a.here AND b.here AND (${anyDiffers(rows)})`,
  }[kind];
  const side = kind === "added" ? "b" : "a";
  const fields = [
    ...numbered(rows.keys, (at) => `${side}.k${at}::VARCHAR AS t${at}`),
    ...(kind === "changed"
      ? numbered(
          rows.columns,
          (at) => `a.c${at}::VARCHAR AS b${at}, b.c${at}::VARCHAR AS a${at}, ${differs(at)} AS d${at}`,
        )
      : []),
  ];
  const order = numbered(rows.keys, (at) => `${side}.k${at}`);
  return `SELECT ${fields.join(", ")} FROM ${joined(rows)} WHERE ${where} ORDER BY ${order.join(", ")} LIMIT ${limit}`;
}

function joined({ before, after, keys }: KeyedRows): string {
  const same = numbered(keys, (at) => `a.k${at} IS NOT DISTINCT FROM b.k${at}`).join(" AND ");
  return `(SELECT *, true AS here FROM (${before})) AS a FULL OUTER JOIN (SELECT *, true AS here FROM (${after})) AS b ON ${same}`;
}

const differs = (at: number): string => `a.c${at} IS DISTINCT FROM b.c${at}`;

function anyDiffers({ columns }: KeyedRows): string {
  return columns === 0 ? "false" : numbered(columns, differs).join(" OR ");
}

function numbered(count: number, text: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => text(at));
}
