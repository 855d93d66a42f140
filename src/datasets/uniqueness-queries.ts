/** SQL about rows that have the same values in some columns. The select gives these columns as k0, k1, …. */

export interface KeyedSelect {
  readonly select: string;
  readonly keys: number;
  /** Leave out rows where a value is missing. */
  readonly presentOnly: boolean;
}

/** `distinct`: how many different keys there are. `repeated`: how many rows have a key that an earlier one has. */
export function countRepeated(keyed: KeyedSelect): string {
  const names = keyNames(keyed);
  return (
    `SELECT count(*)::DOUBLE AS "distinct", coalesce(sum(rows - 1), 0)::DOUBLE AS repeated ` +
    `FROM (SELECT count(*) AS rows FROM (${keyed.select}) ${where(keyed)} GROUP BY ${names})`
  );
}

/** The first rows whose key an earlier row has, by key: `row` from 1, and the key's values as texts `t0`, `t1`, …. */
export function firstRepeated(keyed: KeyedSelect, limit: number): string {
  const names = keyNames(keyed);
  const texts = numbered(keyed.keys, (at) => `k${at}::VARCHAR AS t${at}`).join(", ");
  return (
    `SELECT firsts[2]::DOUBLE AS row, ${texts} FROM (` +
    `SELECT ${names}, min(row, 2) AS firsts FROM (SELECT *, row_number() OVER () AS row FROM (${keyed.select})) ` +
    `${where(keyed)} GROUP BY ${names} HAVING count(*) > 1) ORDER BY row LIMIT ${limit}`
  );
}

function keyNames({ keys }: KeyedSelect): string {
  return numbered(keys, (at) => `k${at}`).join(", ");
}

function where({ keys, presentOnly }: KeyedSelect): string {
  return presentOnly ? `WHERE ${numbered(keys, (at) => `k${at} IS NOT NULL`).join(" AND ")}` : "";
}

function numbered(count: number, text: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => text(at));
}
