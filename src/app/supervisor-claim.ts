import { rmSync } from "node:fs";
import { systemClock } from "../kernel/index.ts";
import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";
import { appErrors } from "./errors.ts";
import type { StateDirectory } from "./state-directory.ts";
import { isAlive } from "./worker-status.ts";

/**
 * Takes a state directory for this process alone, as the supervisor does and whoever replaces all of it: the file names
 * the process, and one left by a dead process is taken over. Gives a function that lets it go.
 *
 * @throws APP_ALREADY_UP
 */
export function claim(state: StateDirectory): () => void {
  const text = readFileIfPresent(state.supervisor);
  const pid = text === undefined ? undefined : (JSON.parse(text) as { pid: number }).pid;
  if (pid !== undefined && pid !== process.pid && isAlive(pid)) {
    throw appErrors.APP_ALREADY_UP.error(`slipway is already up for this project (process ${pid})`, {
      details: { pid },
      hint: "use `slipway status` to see it, or stop it first",
    });
  }
  writeFileAtomically(state.supervisor, JSON.stringify({ pid: process.pid, startedAt: systemClock() }));
  return () => rmSync(state.supervisor, { force: true });
}
