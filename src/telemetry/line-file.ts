import { close, fstat, open, write } from "node:fs";
import { open as openFile, rename, rm, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { type Clock, sleep } from "../kernel/index.ts";

export interface LineFileOptions {
  /** A file that several processes may append to, or an open descriptor that is never rotated. */
  readonly target: { readonly path: string } | { readonly descriptor: number };
  /** A file longer than this is set aside. */
  readonly maxBytes: number;
  /** How many are kept that were set aside: `.1` is the newest. */
  readonly keptFiles: number;
  readonly clock: Clock;
  /** Told of the first of a row of failures. */
  readonly onProblem: (problem: unknown) => void;
  /** Most characters that wait to be written; lines beyond are dropped. Default 4 Mi. */
  readonly maxWaiting?: number;
}

export interface LineCounts {
  readonly written: number;
  readonly dropped: number;
}

const DEFAULT_MAX_WAITING = 4 * 1024 * 1024;
const FLUSH_AT = 64 * 1024;
const FLUSH_AFTER_MS = 100;
/** What is written to a pipe at once by one of several writers is not torn up to this length. */
const PIPE_BYTES = 4096;
const BUSY_PAUSE_MS = 10;
/** A lock this old was left behind by a process that died. */
const LOCK_LEFT_MS = 10_000;

const writeTo = promisify(write);
const statOf = promisify(fstat);
const openAt = promisify(open);
const closeAt = promisify(close);

/**
 * Appends lines to a file in batches, on the threads of the file system: the event loop never waits for it. Several processes
 * may write to the same file; each write is of whole lines. What cannot be written is counted.
 */
export class LineFile {
  readonly #options: LineFileOptions;
  readonly #maxWaiting: number;
  #lines: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #descriptor: number | undefined;
  #counts = { written: 0, dropped: 0 };
  #failing = false;

  constructor(options: LineFileOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? DEFAULT_MAX_WAITING;
  }

  get counts(): LineCounts {
    return this.#counts;
  }

  /** @param line with its line break */
  add(line: string): void {
    if (this.#length + line.length > this.#maxWaiting) {
      this.#counts.dropped++;
      return;
    }
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length >= FLUSH_AT) void this.flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => void this.flush(), FLUSH_AFTER_MS);
      this.#timer.unref();
    }
  }

  /** Resolves when everything added before is written or dropped. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#closeFile();
  }

  async #flushAll(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#length = 0;
      try {
        if ("descriptor" in this.#options.target) await writePipe(this.#options.target.descriptor, lines);
        else await this.#append(this.#options.target.path, Buffer.from(lines.join("")));
        this.#counts.written += lines.length;
        this.#failing = false;
      } catch (problem) {
        this.#counts.dropped += lines.length;
        await this.#closeFile();
        if (!this.#failing) this.#options.onProblem(problem);
        this.#failing = true;
      }
    }
  }

  async #append(path: string, bytes: Buffer): Promise<void> {
    let descriptor = await this.#current(path);
    const { size } = await statOf(descriptor);
    if (size > 0 && size + bytes.length > this.#options.maxBytes) {
      await this.#rotate(path, descriptor);
      descriptor = await this.#current(path);
    }
    await writeAll(descriptor, bytes);
  }

  /** The file that the path names now: another process, or a program that rotates logs, may have set ours aside. */
  async #current(path: string): Promise<number> {
    if (this.#descriptor !== undefined) {
      const [own, named] = await Promise.all([statOf(this.#descriptor), stat(path).catch(() => undefined)]);
      if (own.ino === named?.ino && own.dev === named.dev) return this.#descriptor;
      await this.#closeFile();
    }
    this.#descriptor = await openAt(path, "a", 0o600);
    return this.#descriptor;
  }

  async #rotate(path: string, descriptor: number): Promise<void> {
    const lock = `${path}.lock`;
    const holding = await openFile(lock, "wx").catch(() => undefined);
    if (holding === undefined) {
      // Somebody else is at it, and until then the file grows a little longer.
      const left = await stat(lock).catch(() => undefined);
      if (left !== undefined && this.#options.clock() - left.mtimeMs > LOCK_LEFT_MS)
        await rm(lock, { force: true });
      return;
    }
    try {
      const [own, named] = await Promise.all([statOf(descriptor), stat(path).catch(() => undefined)]);
      // Somebody else has just done it.
      if (own.ino !== named?.ino) return;
      for (let at = this.#options.keptFiles; at > 1; at--)
        await rename(`${path}.${at - 1}`, `${path}.${at}`).catch(ignoreMissing);
      if (this.#options.keptFiles === 0) await rm(path, { force: true });
      else await rename(path, `${path}.1`);
    } finally {
      await holding.close();
      await rm(lock, { force: true });
    }
  }

  async #closeFile(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) await closeAt(descriptor);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

async function writePipe(descriptor: number, lines: readonly string[]): Promise<void> {
  let batch = "";
  for (const line of lines) {
    if (batch !== "" && Buffer.byteLength(batch) + Buffer.byteLength(line) > PIPE_BYTES) {
      await writeAll(descriptor, Buffer.from(batch));
      batch = "";
    }
    batch += line;
  }
  await writeAll(descriptor, Buffer.from(batch));
}

async function writeAll(descriptor: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      const { bytesWritten } = await writeTo(descriptor, bytes, at, bytes.length - at);
      at += bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await sleep(BUSY_PAUSE_MS);
    }
  }
}
