import { SlipwayError } from "../kernel/index.ts";
import { loadProject } from "../project/index.ts";
import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";
import { fileMark } from "./routing-file.ts";
import type { StateDirectory } from "./state-directory.ts";

/** What the project says about the logs of its models. */
export interface LogPolicies {
  /** The share of a model's predictions that is logged in full, by its name; others are logged whole. */
  readonly sample: ReadonlyMap<string, number>;
  /** Days that predictions of a model are kept. */
  readonly keepDays: ReadonlyMap<string, number>;
}

/** As workers read it. */
interface PolicyFile {
  readonly models: Readonly<Record<string, { readonly sample?: number; readonly keepDays?: number }>>;
}

/** @throws PROJECT_* when the project's config cannot be loaded */
export async function loadLogPolicies(projectRoot: string): Promise<LogPolicies> {
  const project = await loadProject(projectRoot);
  const models: Record<string, PolicyFile["models"][string]> = {};
  for (const [name, { log }] of project.models) if (log !== undefined) models[name] = log;
  return policiesOf({ models });
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

/**
 * The policies, loaded anew and written for the workers when the server starts and whenever what is served has changed.
 * While the project's config cannot be loaded those before it hold.
 */
export function followLogPolicies(options: {
  readonly state: StateDirectory;
  readonly projectRoot: string;
  readonly onProblem: (problem: string) => void;
}): () => Promise<LogPolicies> {
  const { state, projectRoot, onProblem } = options;
  let seen: string | undefined;
  return async () => {
    const mark = fileMark(state.routing);
    if (mark !== seen) {
      seen = mark;
      try {
        writeLogPolicies(state.logPolicies, await loadLogPolicies(projectRoot));
      } catch (thrown) {
        if (!(thrown instanceof SlipwayError)) throw thrown;
        onProblem(`the policies of the prediction log stay as they were: ${thrown.message}`);
      }
    }
    return readLogPolicies(state.logPolicies) ?? { sample: new Map(), keepDays: new Map() };
  };
}

function policiesOf({ models }: PolicyFile): LogPolicies {
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
