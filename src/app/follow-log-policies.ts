import { SlipwayError } from "../kernel/index.ts";
import { loadProject } from "../project/index.ts";
import {
  type LogPolicies,
  type PolicyFile,
  policiesOf,
  readLogPolicies,
  writeLogPolicies,
} from "./log-policies.ts";
import { fileMark } from "./routing-file.ts";
import type { StateDirectory } from "./state-directory.ts";

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

/** @throws PROJECT_* when the project's config cannot be loaded */
async function loadLogPolicies(projectRoot: string): Promise<LogPolicies> {
  const project = await loadProject(projectRoot);
  const models: Record<string, PolicyFile["models"][string]> = {};
  for (const [name, { log }] of project.models) if (log !== undefined) models[name] = log;
  return policiesOf({ models });
}
