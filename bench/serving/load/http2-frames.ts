/** The frames of HTTP/2 (RFC 9113) and the header compression (RFC 7541) that a load generator needs. */

export const frameType = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const;

const HEAD_BYTES = 9;
const MOST_PAYLOAD_BYTES = 16_384;
const END_STREAM = 1;
const END_HEADERS = 4;
const SETTING_ENABLE_PUSH = 2;
const SETTING_INITIAL_WINDOW = 4;

export function frame(type: number, flags: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** What a client begins with: no pushes, and windows of streams that never close. */
export const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  frame(frameType.settings, 0, settings([SETTING_ENABLE_PUSH, 0], [SETTING_INITIAL_WINDOW, 2 ** 31 - 1])),
]);

function settings(...pairs: readonly (readonly [number, number])[]): Buffer {
  const bytes = Buffer.alloc(pairs.length * 6);
  for (const [at, [name, value]] of pairs.entries()) {
    bytes.writeUInt16BE(name, at * 6);
    bytes.writeUInt32BE(value, at * 6 + 2);
  }
  return bytes;
}

/**
 * The frames of one unary call after the other. The first writes its headers out and leaves them in the connection's table;
 * the others name their places there, as every client does.
 */
export class RequestFrames {
  readonly #first: Buffer;
  readonly #next: Buffer;

  constructor(call: { readonly path: string; readonly authority: string; readonly message: Uint8Array }) {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(call.message.length, 1);
    const message = Buffer.concat([prefix, call.message]);
    if (message.length > MOST_PAYLOAD_BYTES) throw new RangeError("the message does not fit into one frame");
    const data = frame(frameType.data, END_STREAM, message);
    const withHeaders = (block: Buffer) =>
      Buffer.concat([frame(frameType.headers, END_HEADERS, block), data]);
    // :method POST and :scheme http have places of their own in the static table.
    const fixed = Buffer.of(0x83, 0x86);
    this.#first = withHeaders(
      Buffer.concat([
        fixed,
        ...[remembered(4, call.path), remembered(1, call.authority), remembered(31, "application/grpc")],
        ...[Buffer.of(0x40), text("te"), text("trailers")],
      ]),
    );
    // The table has what was remembered last in its first place, 62.
    this.#next = withHeaders(Buffer.concat([fixed, Buffer.of(0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62)]));
  }

  /** @param stream odd, and higher with every call */
  of(stream: number): Buffer {
    const bytes = Buffer.from(stream === 1 ? this.#first : this.#next);
    bytes.writeUInt32BE(stream, 5);
    bytes.writeUInt32BE(stream, HEAD_BYTES + bytes.readUIntBE(0, 3) + 5);
    return bytes;
  }
}

/** A header whose name is in the static table, to be remembered. */
function remembered(name: number, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40 | name), text(value)]);
}

function text(value: string): Buffer {
  if (value.length >= 127) throw new RangeError("a header of the load generator is too long");
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, "latin1")]);
}

export type FrameTaker = (type: number, flags: number, stream: number, payload: Buffer) => void;

/** Takes a stream of bytes apart into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @param take is called for every frame that is complete; it must not keep the payload */
  read(chunk: Buffer, take: FrameTaker): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + HEAD_BYTES <= bytes.length) {
      const end = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const stream = bytes.readUInt32BE(at + 5) & 0x7fff_ffff;
      take(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + HEAD_BYTES, end));
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}
