import { closeSync, openSync, readSync } from "node:fs";

export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: string;
}

export interface CsvRecord {
  /** Physical line on which the record begins, from 1; newlines inside quotes count. */
  readonly line: number;
  /** Where the record begins in the file, in bytes. */
  readonly offset: number;
  readonly fields: readonly string[];
  /** Physical line on which each field begins; undefined when all are on the record's line. */
  readonly fieldLines: readonly number[] | undefined;
  /** The first field that holds a quote without being quoted, from 0; undefined when there is none. */
  readonly strayQuote: number | undefined;
}

/** What is wrong with the quotes of a record. */
export interface CsvFault {
  readonly kind: "unclosed" | "text-after-quote";
  /** Of the opening quote. */
  readonly line: number;
  /** From 0. */
  readonly field: number;
  readonly offset: number;
}

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;

/**
 * Reads a CSV file as RFC 4180 means it, and says where it is: the exact but slow counterpart of the table engine's reader.
 * Records end with LF, CRLF or CR, in any mixture. Blank lines are no records, unless the file has a single column. Spaces
 * before an opening quote are dropped. A byte order mark is skipped. Bytes that are not UTF-8 become U+FFFD.
 */
export class CsvScanner {
  readonly #fd: number;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #path: string;
  #buffer = Buffer.alloc(0);
  /** Of the buffer's first byte in the file. */
  #base = 0;
  #at = 0;
  #line = 1;
  #ended = false;
  #fault: CsvFault | undefined;
  /** Where in the buffer begins what was read last; it ends at `#at`. */
  #last = 0;
  #newlines = { lf: 0, crlf: 0, cr: 0 };

  constructor(path: string, dialect: CsvDialect) {
    this.#path = path;
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote.charCodeAt(0);
    this.#fd = openSync(path, "r");
    this.#fill();
    if (this.#buffer[0] === 0xef && this.#buffer[1] === 0xbb && this.#buffer[2] === 0xbf) this.#at = 3;
  }

  get path(): string {
    return this.#path;
  }

  /** Set when `next` met a record that cannot be read; scanning ends there. */
  get fault(): CsvFault | undefined {
    return this.#fault;
  }

  /** How often each kind of record end was met. */
  get newlines(): { readonly lf: number; readonly crlf: number; readonly cr: number } {
    return this.#newlines;
  }

  /** The next record; undefined at the end of the file or at a fault. A blank line is a record with one empty field. */
  next(): CsvRecord | undefined {
    if (this.#fault !== undefined) return undefined;
    // A record may reach beyond what was read: then more is read and it is scanned again from its beginning.
    for (;;) {
      if (this.#at >= this.#buffer.length && !this.#fill()) return undefined;
      const record = this.#scan();
      if (record !== "more") return record;
      this.#fill();
    }
  }

  /**
   * Goes on behind a fault, with the physical line after the one on which the faulty record begins: a quote that is opened
   * by mistake takes no rows along but its own.
   *
   * @returns the number of the line that was skipped
   */
  skipFaultyLine(): number {
    this.#fault = undefined;
    let at = this.#at;
    for (;;) {
      const byte = this.#buffer[at];
      if (byte === NEWLINE || (byte === RETURN && (at + 1 < this.#buffer.length || this.#ended))) break;
      if (byte !== undefined && byte !== RETURN) at += 1;
      else if (this.#ended) break;
      else {
        at -= this.#at;
        this.#fill();
      }
    }
    this.#last = this.#at;
    this.#at = at < this.#buffer.length ? this.#skipNewline(at) : at;
    this.#line += 1;
    return this.#line - 1;
  }

  /** The bytes of what was read last, its line end included; valid until more is read. */
  get lastBytes(): Buffer {
    return this.#buffer.subarray(this.#last, this.#at);
  }

  /** Where in the file the next record begins, in bytes. */
  get offset(): number {
    return this.#base + this.#at;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Reads on, keeping what has not been scanned. False at the end of the file. */
  #fill(): boolean {
    const rest = this.#buffer.subarray(this.#at);
    // Doubling keeps the rescanning of one huge record linear.
    const larger = Buffer.allocUnsafe(rest.length + Math.max(CHUNK_BYTES, rest.length));
    rest.copy(larger);
    const read = readSync(this.#fd, larger, rest.length, larger.length - rest.length, null);
    this.#base += this.#at;
    this.#at = 0;
    this.#buffer = larger.subarray(0, rest.length + read);
    if (read === 0) this.#ended = true;
    return read > 0;
  }

  #scan(): CsvRecord | undefined | "more" {
    const buffer = this.#buffer;
    const end = buffer.length;
    const fields: string[] = [];
    const lines: number[] = [];
    let strayQuote: number | undefined;
    let at = this.#at;
    let line = this.#line;
    for (;;) {
      const fieldStart = at;
      let start = at;
      const fieldLine = line;
      while (start < end && buffer[start] === SPACE && this.#delimiter !== SPACE) start += 1;
      if (start < end && buffer[start] === this.#quote) {
        const quoted = this.#scanQuoted(start, line);
        if (quoted === "more") return "more";
        if ("kind" in quoted) {
          this.#fault = { ...quoted, field: fields.length, offset: this.#base + start };
          return undefined;
        }
        fields.push(quoted.text);
        at = quoted.at;
        line = quoted.line;
      } else {
        while (at < end) {
          const byte = buffer[at]!;
          if (byte === this.#delimiter || byte === NEWLINE || byte === RETURN) break;
          if (byte === this.#quote) strayQuote ??= fields.length;
          at += 1;
        }
        if (at === end && !this.#ended) return "more";
        fields.push(buffer.toString("utf8", fieldStart, at));
      }
      lines.push(fieldLine);
      if (at < end && buffer[at] === this.#delimiter) {
        at += 1;
        if (at === end && !this.#ended) return "more";
        continue;
      }
      // CR at the very end of what was read may be half of a CRLF.
      if (at + 1 >= end && !this.#ended) return "more";
      const record = {
        line: this.#line,
        offset: this.#base + this.#at,
        fields,
        fieldLines: line === this.#line ? undefined : lines,
        strayQuote,
      };
      this.#last = this.#at;
      this.#at = at < end ? this.#skipNewline(at) : at;
      this.#line = line + 1;
      return record;
    }
  }

  #skipNewline(at: number): number {
    if (this.#buffer[at] === NEWLINE) {
      this.#newlines.lf += 1;
      return at + 1;
    }
    if (this.#buffer[at + 1] === NEWLINE) {
      this.#newlines.crlf += 1;
      return at + 2;
    }
    this.#newlines.cr += 1;
    return at + 1;
  }

  /** @param open index of the opening quote; the answer's `at` is that of the delimiter or newline after the closing one */
  #scanQuoted(
    open: number,
    openLine: number,
  ): { text: string; at: number; line: number } | "more" | Pick<CsvFault, "kind" | "line"> {
    const buffer = this.#buffer;
    let line = openLine;
    let at = open + 1;
    let doubled = false;
    for (;;) {
      const byte = buffer[at];
      if (byte === undefined) return this.#ended ? { kind: "unclosed", line: openLine } : "more";
      if (byte === this.#quote) {
        if (buffer[at + 1] !== this.#quote) break;
        doubled = true;
        at += 2;
        continue;
      }
      if (byte === NEWLINE || (byte === RETURN && buffer[at + 1] !== NEWLINE)) line += 1;
      at += 1;
    }
    let after = at + 1;
    if (after >= buffer.length && !this.#ended) return "more";
    while (buffer[after] === SPACE && this.#delimiter !== SPACE) after += 1;
    const next = buffer[after];
    if (next === undefined && !this.#ended) return "more";
    if (next !== undefined && next !== this.#delimiter && next !== NEWLINE && next !== RETURN) {
      return { kind: "text-after-quote", line };
    }
    const raw = buffer.toString("utf8", open + 1, at);
    const quote = String.fromCharCode(this.#quote);
    return { text: doubled ? raw.replaceAll(quote + quote, quote) : raw, at: after, line };
  }
}
