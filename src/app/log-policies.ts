import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";

/** What the project says about the logs of its models. */
export interface LogPolicies {
  /** The share of a model's predictions that is logged in full, by its name; others are logged whole. */
  readonly sample: ReadonlyMap<string, number>;
  /** Days that predictions of a model are kept. */
  readonly keepDays: ReadonlyMap<string, number>;
}

/** As workers read it. */
export interface PolicyFile {
  readonly models: Readonly<Record<string, { readonly sample?: number; readonly keepDays?: number }>>;
}

/** For the workers, which follow the file. */
export function writeLogPolicies(path: string, { sample, keepDays }: LogPolicies): void {
  const models: Record<string, { sample?: number; keepDays?: number }> = {};
  for (const [name, share] of sample) models[name] = { ...models[name], sample: share };
  for (const [name, days] of keepDays) models[name] = { ...models[name], keepDays: days };
  writeFileAtomically(path, `${JSON.stringify({ models }, null, 2)}\n`);
}

/** Undefined where none was ever written. */
export function readLogPolicies(path: string): LogPolicies | undefined {
  const text = readFileIfPresent(path);
  return text === undefined ? undefined : policiesOf(JSON.parse(text) as PolicyFile);
}

export function policiesOf({ models }: PolicyFile): LogPolicies {
  const entries = Object.entries(models);
  return {
    sample: new Map(
      entries.flatMap(([name, { sample }]) => (sample === undefined ? [] : [[name, sample] as const])),
    ),
    keepDays: new Map(
      entries.flatMap(([name, { keepDays }]) => (keepDays === undefined ? [] : [[name, keepDays] as const])),
    ),
  };
}
