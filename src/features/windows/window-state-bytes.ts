import { canonicalJson, digestOf, digestOfJson } from "../../kernel/index.ts";
import { featuresErrors } from "../errors.ts";
import type { Cell, KeyedWindow } from "./keyed-window.ts";

/**
 * The bytes of a state: one line of JSON, then for each window its keys by code units, each as
 *
 *     u32 length of the key   its UTF-8   u32 panes   u32 pending items   the rows of the panes   the pairs that are pending
 *
 * with little-endian doubles, and at the end the sha256 of everything before it, as 64 hexadecimal digits.
 */
const FORMAT = "slipway.windows/1";
const DIGEST_BYTES = 64;
const NEWLINE = 10;

/** Both −∞ before the first row. */
export interface Progress {
  readonly watermarkMs: number;
  readonly coveredMs: number;
}

export function writeWindowState(windows: readonly KeyedWindow[], progress: Progress): Uint8Array {
  const cells = windows.map((window) => window.cells());
  const header = {
    format: FORMAT,
    windows: digestOfJson(windows.map(({ collected }) => collected)),
    keys: cells.map((of) => of.length),
    watermarkMs: finiteOrNull(progress.watermarkMs),
    coveredMs: finiteOrNull(progress.coveredMs),
  };
  const parts: Uint8Array[] = [new TextEncoder().encode(`${canonicalJson(header)}\n`)];
  for (const [at, window] of windows.entries()) {
    for (const [key, cell] of cells[at]!) parts.push(cellBytes(key, cell, window.width));
  }
  const body = joined(parts);
  return joined([body, new TextEncoder().encode(digestOf(body))]);
}

function cellBytes(key: string, { panes, pending }: Cell, width: number): Uint8Array {
  const text = new TextEncoder().encode(key);
  const bytes = new Uint8Array(12 + text.length + 8 * (panes.length + pending.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 4);
  let at = 4 + text.length;
  view.setUint32(at, panes.length / width, true);
  view.setUint32(at + 4, pending.length / 2, true);
  at += 8;
  for (const numbers of [panes, pending]) {
    for (const number of numbers) {
      view.setFloat64(at, number, true);
      at += 8;
    }
  }
  return bytes;
}

/**
 * Fills empty windows.
 *
 * @throws FEATURES_BAD_WINDOWS when the bytes are damaged, of another version or of other windows
 */
export function readWindowState(bytes: Uint8Array, windows: readonly KeyedWindow[]): Progress {
  const end = bytes.length - DIGEST_BYTES;
  if (end <= 0 || new TextDecoder().decode(bytes.subarray(end)) !== digestOf(bytes.subarray(0, end))) {
    throw bad("are cut short or altered");
  }
  const newline = bytes.indexOf(NEWLINE);
  const header = readHeader(new TextDecoder().decode(bytes.subarray(0, Math.max(0, newline))));
  if (header.windows !== digestOfJson(windows.map(({ collected }) => collected))) {
    throw bad("belong to other windows");
  }
  if (header.keys.length !== windows.length) throw bad("do not list all windows");
  const reader = new CellReader(bytes.subarray(newline + 1, end));
  for (const [at, window] of windows.entries()) {
    let before: string | undefined;
    for (let count = 0; count < header.keys[at]!; count++) {
      const [key, cell] = reader.next(window.width, header.watermarkMs);
      if (before !== undefined && !(before < key)) throw bad("have keys out of order");
      before = key;
      window.restore(key, cell);
    }
  }
  if (!reader.atEnd) throw bad("go on after their end");
  return { watermarkMs: header.watermarkMs, coveredMs: header.coveredMs };
}

interface Header extends Progress {
  readonly windows: unknown;
  readonly keys: readonly number[];
}

function readHeader(line: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(line);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw bad("have no header");
    throw thrown;
  }
  if (typeof header !== "object" || header === null) throw bad("have no header");
  const { format, windows, keys, watermarkMs, coveredMs } = header as Record<string, unknown>;
  if (format !== FORMAT) {
    throw bad(`have the format ${JSON.stringify(format)?.slice(0, 80)}; this version reads "${FORMAT}"`);
  }
  if (!Array.isArray(keys) || !keys.every((count) => Number.isSafeInteger(count) && count >= 0)) {
    throw bad("have no counts of keys");
  }
  return { windows, keys, watermarkMs: timeOf(watermarkMs), coveredMs: timeOf(coveredMs) };
}

class CellReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  next(width: number, watermarkMs: number): [string, Cell] {
    const length = this.#count(1);
    let key: string;
    try {
      key = this.#decoder.decode(this.#bytes.subarray(this.#at, this.#at + length));
    } catch (thrown) {
      if (thrown instanceof TypeError) throw bad("have a key that is no text");
      throw thrown;
    }
    this.#at += length;
    const paneCount = this.#count(8 * width);
    const pendingCount = this.#count(16);
    const panes = this.#numbers(paneCount * width);
    const pending = this.#numbers(pendingCount * 2);
    for (let at = 0; at < panes.length; at += width) {
      const rises = at === 0 || panes[at]! > panes[at - width]!;
      if (!rises || !Number.isInteger(panes[at]!) || !(panes[at + 1]! >= 1))
        throw bad("have panes out of order");
    }
    for (let at = 0; at < pending.length; at += 2) {
      const rises = at === 0 || pending[at]! >= pending[at - 2]!;
      if (!rises || !(pending[at]! > watermarkMs) || !Number.isFinite(pending[at + 1]!)) {
        throw bad("have pending items out of order");
      }
    }
    return [key, { panes, pending }];
  }

  /** How many things of a size follow; never more than there are bytes for. */
  #count(size: number): number {
    if (this.#at + 4 > this.#bytes.length) throw bad("end too early");
    const count = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    if (this.#at + count * size > this.#bytes.length) throw bad("end too early");
    return count;
  }

  #numbers(count: number): number[] {
    if (this.#at + 8 * count > this.#bytes.length) throw bad("end too early");
    const numbers: number[] = [];
    for (let at = 0; at < count; at++) numbers.push(this.#view.getFloat64(this.#at + 8 * at, true));
    this.#at += 8 * count;
    return numbers;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function timeOf(value: unknown): number {
  if (value === null) return Number.NEGATIVE_INFINITY;
  if (typeof value === "number") return value;
  throw bad("have no times");
}

function bad(problem: string): Error {
  return featuresErrors.FEATURES_BAD_WINDOWS.error(`the bytes of the windows ${problem}`);
}
