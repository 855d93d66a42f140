import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import type { SlipwayError } from "../kernel/index.ts";
import { datasetsErrors } from "./errors.ts";
import type { FoundFile } from "./source-files.ts";

const CHUNK_BYTES = 4 << 20;
const NEWLINE = 10;

/**
 * Refuses a text file that is not UTF-8, naming line, byte offset and byte.
 *
 * @throws DATASETS_BAD_ENCODING
 */
export function checkUtf8(file: FoundFile): void {
  const fd = openSync(file.path, "r");
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let base = 0;
    let kept = 0;
    let newlines = 0;
    for (;;) {
      const read = readSync(fd, buffer, kept, buffer.length - kept, null);
      const length = kept + read;
      // A character may be cut at the end of what was read: it is looked at with what follows.
      const whole = read === 0 ? length : lastBoundary(buffer, length);
      const chunk = buffer.subarray(0, whole);
      if (!isUtf8(chunk)) {
        const at = firstInvalid(chunk);
        throw badByte(file, {
          offset: base + at,
          line: newlines + countNewlines(chunk, at) + 1,
          byte: chunk[at]!,
        });
      }
      if (read === 0) return;
      newlines += countNewlines(chunk, whole);
      buffer.copyWithin(0, whole, length);
      kept = length - whole;
      base += whole;
    }
  } finally {
    closeSync(fd);
  }
}

/**
 * What is wrong with a row that is not UTF-8.
 *
 * @param bytes the row's
 * @param place where it begins
 */
export function badByteIn(
  file: FoundFile,
  bytes: Buffer,
  place: { readonly line: number; readonly offset: number },
): SlipwayError {
  const at = firstInvalid(bytes);
  const line = place.line + countNewlines(bytes, at);
  return badByte(file, { offset: place.offset + at, line, byte: bytes[at]! });
}

/** How files begin that are no text, with bytes that no text has. */
const OTHER_FILES: readonly { readonly magic: string; readonly what: string; readonly hint: string }[] = [
  { magic: "1f8b", what: "compressed with gzip", hint: "Unpack it: gunzip" },
  { magic: "28b52ffd", what: "compressed with zstd", hint: "Unpack it: unzstd" },
  { magic: "fd377a58", what: "compressed with xz", hint: "Unpack it: unxz" },
  { magic: "504b0304", what: "a ZIP archive or a spreadsheet", hint: "Unpack it, or export it as CSV." },
];

/**
 * Recognises UTF-16, UTF-32, and files that are no text at all, by their first bytes.
 *
 * @throws DATASETS_BAD_ENCODING, DATASETS_UNREADABLE_FILE
 */
export function refuseOtherThanText(file: FoundFile): void {
  const head = Buffer.alloc(4);
  const fd = openSync(file.path, "r");
  let length: number;
  try {
    length = readSync(fd, head, 0, 4, 0);
  } finally {
    closeSync(fd);
  }
  if (length < 2) return;
  const begins = head.toString("hex", 0, length);
  const other = OTHER_FILES.find(({ magic }) => begins.startsWith(magic));
  if (other !== undefined) {
    throw datasetsErrors.DATASETS_UNREADABLE_FILE.error(`${file.name} is ${other.what}, not text`, {
      details: { file: file.name },
      hint: other.hint.endsWith(".") ? other.hint : `${other.hint} ${file.name}`,
    });
  }
  const [a, b, c, d] = head;
  let encoding: string | undefined;
  if (a === 0xff && b === 0xfe) encoding = length === 4 && c === 0 && d === 0 ? "UTF-32" : "UTF-16";
  else if (a === 0xfe && b === 0xff) encoding = "UTF-16";
  else if (length === 4 && a === 0 && b === 0 && c === 0xfe && d === 0xff) encoding = "UTF-32";
  else if ((a === 0) !== (b === 0)) encoding = "UTF-16";
  if (encoding === undefined) return;
  throw datasetsErrors.DATASETS_BAD_ENCODING.error(`${file.name} is in ${encoding}; only UTF-8 is read`, {
    details: { file: file.name, encoding, offset: 0, line: 1 },
    hint: `Convert it: iconv -f ${encoding} -t UTF-8 ${file.name}`,
  });
}

function badByte(file: FoundFile, place: { offset: number; line: number; byte: number }): SlipwayError {
  const byte = `0x${place.byte.toString(16).padStart(2, "0")}`;
  const reason = `byte ${byte} at offset ${place.offset} is not UTF-8`;
  return datasetsErrors.DATASETS_BAD_ENCODING.error(`${file.name}, line ${place.line}: ${reason}`, {
    details: { file: file.name, line: place.line, offset: place.offset, byte, reason },
    hint: `If the file is in Latin-1 or Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8 ${file.name}`,
  });
}

/** The length without a character that is cut off at the end. */
function lastBoundary(bytes: Uint8Array, length: number): number {
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!;
    if (byte < 0x80) return length;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? length - back : length;
    }
  }
  return length;
}

/** Index of the first byte of the first invalid sequence, by halving. */
function firstInvalid(bytes: Buffer): number {
  let valid = 0;
  let tried = bytes.length;
  while (tried - valid > 8) {
    const middle = lastBoundary(bytes, (valid + tried) >> 1);
    const end = Math.max(middle, valid + 1);
    if (isUtf8(bytes.subarray(valid, end))) valid = end;
    else tried = end;
  }
  for (let end = valid + 1; end <= bytes.length; end++) {
    if (isUtf8(bytes.subarray(valid, end))) valid = end;
    else if (end - valid >= 4 || bytes[end]! < 0x80) return valid;
  }
  return valid;
}

function countNewlines(bytes: Buffer, length: number): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < length; at = bytes.indexOf(NEWLINE, at + 1))
    count += 1;
  return count;
}
