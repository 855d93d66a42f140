import { storageErrors } from "./errors.ts";

/**
 * An archive is an uncompressed POSIX ustar file, so that `tar -xf` opens it too, written in one way only: files of mode
 * 0600, owner 0, time 0, in the order in which they were added, zeros between them, two empty blocks at the end. A reader
 * takes nothing else, so that no byte outside the files' contents can be altered unseen.
 */
export const BLOCK_BYTES = 512;
export const END_BYTES = 2 * BLOCK_BYTES;

const NAME = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._/=-]{0,248}[A-Za-z0-9_]$/;
/** What has more characters is split at a slash: the folders go to a field of their own. */
const NAME_BYTES = 100;
const PREFIX_AT = 345;
const PREFIX_BYTES = 155;
const LARGEST_OCTAL = 8 ** 11;
const CHECKSUM_AT = 148;
const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** `blobs/3f9a…`, relative, of letters, digits and `_ . / = -`; at most 250. @throws STORAGE_BAD_NAME */
export function encodeEntryHeader({
  name,
  bytes,
}: {
  readonly name: string;
  readonly bytes: number;
}): Buffer {
  const split = NAME.test(name) ? splitName(name) : undefined;
  if (split === undefined) {
    throw storageErrors.STORAGE_BAD_NAME.error(
      `"${name.slice(0, 200)}" is no name for a file in an archive`,
      {
        details: { name: name.slice(0, 200) },
      },
    );
  }
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, { at, digits }: { at: number; digits: number }): void => {
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  };
  block.write(split.name, 0, "latin1");
  block.write(split.prefix, PREFIX_AT, "latin1");
  octal(0o600, { at: 100, digits: 7 });
  octal(0, { at: 108, digits: 7 });
  octal(0, { at: 116, digits: 7 });
  if (bytes < LARGEST_OCTAL) octal(bytes, { at: 124, digits: 11 });
  else {
    // Base 256, as GNU tar and bsdtar write and read it.
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(bytes), 128);
  }
  octal(0, { at: 136, digits: 11 });
  block.write("0", 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  let sum = 8 * 0x20;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, CHECKSUM_AT, "latin1");
  return block;
}

/** What a block of an archive says, or undefined when it is not one that `encodeEntryHeader` writes. */
export function decodeEntryHeader(
  block: Buffer,
): { readonly name: string; readonly bytes: number } | "end" | undefined {
  if (block.equals(ZEROS)) return "end";
  const prefix = textAt(block, PREFIX_AT, PREFIX_BYTES);
  const name = `${prefix}${prefix === "" ? "" : "/"}${textAt(block, 0, NAME_BYTES)}`;
  const size = block[124] === 0x80 ? Number(block.readBigUInt64BE(128)) : octalAt(block, 124);
  if (!NAME.test(name) || !Number.isSafeInteger(size)) return undefined;
  return encodeEntryHeader({ name, bytes: size }).equals(block) ? { name, bytes: size } : undefined;
}

/** Undefined for what cannot be split; the same name is always split in the same place. */
function splitName(name: string): { readonly name: string; readonly prefix: string } | undefined {
  if (name.length <= NAME_BYTES) return { name, prefix: "" };
  const at = name.indexOf("/", name.length - NAME_BYTES - 1);
  return at < 0 || at > PREFIX_BYTES ? undefined : { name: name.slice(at + 1), prefix: name.slice(0, at) };
}

function textAt(block: Buffer, at: number, bytes: number): string {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, Math.min(end < 0 ? at + bytes : end, at + bytes));
}

function octalAt(block: Buffer, at: number): number {
  const digits = block.toString("latin1", at, at + 11);
  return /^[0-7]{11}$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** Zeros that follow a file of so many bytes. */
export function paddingAfter(bytes: number): Buffer {
  return ZEROS.subarray(0, (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Whether a file that begins with these bytes is an archive whose first file has this name. */
export function beginsArchive(start: Uint8Array, firstName: string): boolean {
  if (start.length < BLOCK_BYTES) return false;
  const block = Buffer.from(start.buffer, start.byteOffset, BLOCK_BYTES);
  return (
    block.toString("latin1", 257, 262) === "ustar" &&
    block.toString("latin1", 0, firstName.length + 1) === `${firstName}\0`
  );
}
