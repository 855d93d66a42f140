import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestOf } from "../kernel/index.ts";
import type { LogMark } from "../storage/index.ts";
import type { StreamPlace } from "./stream-follower.ts";

/**
 * The state of one version's windows behind one event of the stream, in a file that any worker may write: they all have
 * the same bytes for the same event.
 *
 *     one line of JSON: { format, model, bundle, sequence, marks, bytes: sha256 of the rest } | the rest: the state
 */
export interface WindowCheckpoint {
  readonly place: StreamPlace;
  readonly state: Uint8Array;
}

const FORMAT = "slipway.window-checkpoint/1";
const NEWLINE = 10;

interface Header {
  readonly format: string;
  readonly model: string;
  readonly bundle: Digest;
  readonly sequence: number;
  readonly marks: readonly (readonly [string, LogMark])[];
  readonly bytes: Digest;
}

interface Subject {
  readonly model: string;
  readonly bundle: Digest;
}

/** The newest checkpoint, or undefined when there is none that is whole: then the state is made anew from the stream. */
export function readCheckpoint(directory: string, subject: Subject): WindowCheckpoint | undefined {
  let file: Buffer;
  try {
    file = readFileSync(pathOf(directory, subject));
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
  const end = file.indexOf(NEWLINE);
  const header = headerOf(file.subarray(0, Math.max(0, end)));
  const state = file.subarray(end + 1);
  if (header?.model !== subject.model || header.bundle !== subject.bundle) return undefined;
  if (header.bytes !== digestOf(state)) return undefined;
  return { place: { sequence: header.sequence, marks: new Map(header.marks) }, state };
}

/** Replaces the checkpoint: a reader sees the old one or the new one. It is only a short cut, so it is not flushed. */
export function writeCheckpoint(directory: string, subject: Subject, checkpoint: WindowCheckpoint): void {
  const { place, state } = checkpoint;
  const header: Header = {
    format: FORMAT,
    ...subject,
    sequence: place.sequence,
    marks: [...place.marks],
    bytes: digestOf(state),
  };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = pathOf(directory, subject);
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), state]), { mode: 0o600 });
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
}

function pathOf(directory: string, { model, bundle }: Subject): string {
  return join(directory, `${model}-${bundle.slice(0, 16)}.windows`);
}

function headerOf(line: Buffer): Header | undefined {
  try {
    const header = JSON.parse(line.toString("utf8")) as Header;
    return header.format === FORMAT ? header : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}
