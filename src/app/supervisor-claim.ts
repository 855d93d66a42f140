import { rmSync } from "node:fs";
import { systemClock } from "../kernel/index.ts";
import { readFileIfPresent, writeFileAtomically } from "./atomic-file.ts";
import { appErrors } from "./errors.ts";
import type { StateDirectory } from "./state-directory.ts";
import { isAlive } from "./worker-status.ts";

/** Who has a state directory for itself. */
interface Claim {
  readonly pid: number;
  readonly startedAt: number;
  /** True for a supervisor, which gives way to the next one. */
  readonly handsOver: boolean;
}

/**
 * Takes a state directory for this process alone, as the supervisor does and whoever replaces all of it: the file names
 * the process, and one left by a dead process is taken over. Gives a function that lets it go.
 *
 * @throws APP_ALREADY_UP
 */
export function claim(state: StateDirectory, { handsOver }: Pick<Claim, "handsOver">): () => void {
  const holder = claimedBy(state);
  if (holder !== undefined) throw alreadyUp(holder.pid);
  const held: Claim = { pid: process.pid, startedAt: systemClock(), handsOver };
  writeFileAtomically(state.supervisor, JSON.stringify(held));
  return () => rmSync(state.supervisor, { force: true });
}

/** Another process that holds the state directory now. */
export function claimedBy(state: StateDirectory): Claim | undefined {
  const text = readFileIfPresent(state.supervisor);
  if (text === undefined) return undefined;
  const held = JSON.parse(text) as Claim;
  return held.pid !== process.pid && isAlive(held.pid) ? held : undefined;
}

export function alreadyUp(pid: number): Error {
  return appErrors.APP_ALREADY_UP.error(`slipway is already up for this project (process ${pid})`, {
    details: { pid },
    hint: "use `slipway status` to see it, stop it first, or take over from it with `slipway up --takeover`",
  });
}
