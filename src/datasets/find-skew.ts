import type { Profile } from "../profile/index.ts";
import type { Findings } from "./anomaly.ts";
import { NO_EVIDENCE } from "./evidence.ts";
import { findAnomalies } from "./find-anomalies.ts";
import type { DatasetSchema } from "./needed-evidence.ts";

/**
 * Where the values that are predicted for lie too far from those that were trained on, by the limits of the training
 * dataset (`skew`). From profiles alone, so that it serves live traffic too: what they cannot answer is left unjudged,
 * a column that is not in the serving profile and a limit that wants the rows (`exact`).
 */
export function findSkew(
  schema: DatasetSchema,
  { training, serving }: { readonly training: Profile; readonly serving: Profile },
): Findings {
  const limited = Object.entries(schema.checks?.columns ?? {}).filter(([, { skew }]) => skew !== undefined);
  const unjudged = limited.flatMap(([column, { skew }]) => {
    if (!hasColumn(serving, column))
      return [{ check: "skew", column, reason: "the profile has no such column" }];
    return skew?.exact === true
      ? [{ check: "skew", column, reason: "its limit is for rows, not for profiles" }]
      : [];
  });
  const judged = limited.filter(([name]) => unjudged.every(({ column }) => column !== name));
  const found = findAnomalies(
    {
      schema: {
        columns: Object.fromEntries(judged.map(([name]) => [name, schema.columns[name]!])),
        checks: { columns: Object.fromEntries(judged.map(([name, { skew }]) => [name, { skew: skew! }])) },
      },
      snapshot: {
        rowCount: serving.rowCount,
        profile: serving,
        schema: serving.columns.map(({ name, type }) => ({ name, type })),
      },
      reference: { role: "training", rowCount: training.rowCount, profile: training },
      now: 0,
    },
    NO_EVIDENCE,
  );
  return { ...found, checks: limited.length, unjudged: [...found.unjudged, ...unjudged] };
}

function hasColumn(profile: Profile, name: string): boolean {
  return profile.columns.some((column) => column.name === name);
}
