import type { OperationOutput } from "../wire/index.ts";
import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";
import { isoTime } from "./control-context.ts";
import type { ScalingChange } from "./worker-fleet.ts";

type Decision = OperationOutput<"activity">["scaling"][number];

const REMEMBERED = 50;

/** Adds a decision of the supervisor to the file of the last ones. */
export function rememberScaling(
  path: string,
  { at, ...change }: ScalingChange & { readonly at: number },
): void {
  const decisions: Decision[] = [{ at: isoTime(at), ...change }, ...scalingDecisions(path)];
  writeFileAtomically(path, JSON.stringify(decisions.slice(0, REMEMBERED)));
}

/** Newest first. */
export function scalingDecisions(path: string): readonly Decision[] {
  const text = readFileIfPresent(path);
  return text === undefined ? [] : (JSON.parse(text) as Decision[]);
}
