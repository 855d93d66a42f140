import { connect } from "node:net";
import type { Random } from "../../../src/kernel/index.ts";
import { damagedForm, type GrpcForm, goodForm } from "./grpc-visit.ts";
import { HANG_MS, shown, type VisitContext } from "./http-visit.ts";
import { chance, damageBytes, pick, randomBytes } from "./mutations.ts";
import { brokenFraming } from "./requests.ts";

/** Types of HTTP/2 frames, RFC 9113. */
const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RST_STREAM = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

const END_STREAM = 1;
const END_HEADERS = 4;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literals that nobody is to remember, HPACK's simplest form. */
function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length = bytes.length < 127 ? [bytes.length] : [127, ...varint(bytes.length - 127)];
    return Buffer.concat([Buffer.from(length), bytes]);
  };
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.of(0x10),
    text(name),
    text(value),
  ]);
  return Buffer.concat(parts);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function headersOf(path: string): Readonly<Record<string, string>> {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "slipway",
    te: "trailers",
    "content-type": "application/grpc+proto",
  };
}

function callFrames({ path, message }: GrpcForm, stream: number): Buffer[] {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return [
    frame(HEADERS, END_HEADERS, stream, headerBlock(headersOf(path))),
    frame(DATA, END_STREAM, stream, Buffer.concat([prefix, message])),
  ];
}

const SETTINGS_FRAME = frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100, 0, 4, 0, 0, 255, 255]));

/** A frame that does not belong there, or that nobody may send. */
function oddFrame(random: Random, stream: number): Buffer {
  const block = headerBlock(headersOf("/inference.GRPCInferenceService/ServerLive"));
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value >>> 0);
    return bytes;
  };
  switch (random.integer(18)) {
    case 0:
      return frame(
        random.integer(256),
        random.integer(256),
        pick(random, [0, stream, 2, 0x7fffffff]),
        randomBytes(random, random.integer(40)),
      );
    case 1:
      return frame(SETTINGS, 0, 0, randomBytes(random, 6 * random.integer(5)));
    case 2:
      return frame(SETTINGS, 1, 0, randomBytes(random, random.integer(7)));
    case 3:
      return frame(
        WINDOW_UPDATE,
        0,
        pick(random, [0, stream]),
        word(pick(random, [0, 1, 0x7fffffff, 0xffffffff])),
      );
    case 4:
      return frame(RST_STREAM, 0, pick(random, [0, stream, stream + 2]), word(random.integer(20)));
    case 5:
      return frame(PING, random.integer(2), 0, randomBytes(random, pick(random, [8, 8, 7, 0])));
    case 6:
      return frame(GOAWAY, 0, 0, randomBytes(random, 8 + random.integer(9)));
    case 7:
      return frame(PRIORITY, 0, stream, Buffer.concat([word(stream), Buffer.of(1)]));
    case 8:
      return frame(PUSH_PROMISE, END_HEADERS, stream, Buffer.concat([word(2), block]));
    case 9:
      return frame(CONTINUATION, END_HEADERS, stream, block);
    case 10:
      return frame(DATA, 0, stream + 100, Buffer.from("idle"));
    case 11:
      return Buffer.concat([
        frame(HEADERS, 0, stream, block.subarray(0, 20)),
        frame(PING, 0, 0, Buffer.alloc(8)),
      ]);
    case 12:
      return frame(HEADERS, END_HEADERS | END_STREAM, stream, randomBytes(random, random.integer(200)));
    case 13:
      return frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        stream,
        headerBlock({
          ...headersOf("/x"),
          [pick(random, ["UPPER", ":nope", "connection", "a b", "\u0000", ""])]: "x",
        }),
      );
    case 14:
      // A block that goes on and on.
      return Buffer.concat([
        frame(HEADERS, 0, stream, block),
        ...Array.from({ length: 20 }, () =>
          frame(CONTINUATION, 0, stream, headerBlock({ "x-more": "y".repeat(1_000) })),
        ),
      ]);
    case 15:
      return Buffer.concat(
        Array.from({ length: 30 }, () => pick(random, [frame(PING, 0, 0, Buffer.alloc(8)), SETTINGS_FRAME])),
      );
    case 16:
      // Opened and reset at once, many times.
      return Buffer.concat(
        Array.from({ length: 20 }, (_, at) => {
          const opened = stream + 2 * at;
          return Buffer.concat([
            frame(HEADERS, END_HEADERS, opened, block),
            frame(RST_STREAM, 0, opened, word(8)),
          ]);
        }),
      );
    default: {
      const head = frame(DATA, 0, stream);
      head.writeUIntBE(pick(random, [16_385, 0xffffff, 5]), 0, 3);
      return head;
    }
  }
}

/**
 * One connection to the gRPC port with HTTP/2 as bytes: calls, frames that do not belong there, and damage to all of it; or
 * something that is not HTTP/2 at all. The connection must be closed once this side has said all it has to say.
 *
 * @returns how many calls were begun
 */
export async function visitFrames(random: Random, context: VisitContext): Promise<number> {
  const calls = 1 + random.integer(12);
  const bytes = chance(random, 0.05) ? notHttp2(random, context) : conversation(random, context, calls);
  const arrived = await exchange(context.grpcPort, { bytes, calls, isAbandoned: chance(random, 0.2) });
  if (arrived === undefined)
    throw new Error(`the connection was open ${HANG_MS} ms after its end; sent:\n${shown(bytes)}`);
  context.tally.countClosed();
  for (const { type, isLast } of framesIn(arrived)) {
    if (type === HEADERS && isLast) context.tally.count("stream answered");
    if (type === RST_STREAM) context.tally.count("stream reset");
    if (type === GOAWAY) context.tally.count("goaway");
  }
  return calls;
}

function framesIn(bytes: Buffer): { readonly type: number; readonly isLast: boolean }[] {
  const frames: { type: number; isLast: boolean }[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    frames.push({ type: bytes[at + 3]!, isLast: (bytes[at + 4]! & END_STREAM) !== 0 });
  return frames;
}

function conversation(random: Random, { answers }: VisitContext, calls: number): Buffer {
  const frames = [PREFACE, SETTINGS_FRAME];
  for (let at = 0; at < calls; at++) {
    const stream = 1 + 2 * at;
    const known = [pick(random, answers)];
    frames.push(
      ...callFrames(chance(random, 0.4) ? goodForm(random, known) : damagedForm(random, known), stream),
    );
    if (chance(random, 0.07))
      frames.splice(2 + random.integer(frames.length - 1), 0, oddFrame(random, stream));
  }
  const bytes = Buffer.concat(frames);
  if (chance(random, 0.4)) return bytes;
  if (chance(random, 0.3)) return bytes.subarray(0, random.integer(bytes.length));
  return Buffer.concat([PREFACE, damageBytes(random, bytes.subarray(PREFACE.length))]);
}

function notHttp2(random: Random, { answers }: VisitContext): Buffer {
  return chance(random, 0.5) ? brokenFraming(random, answers) : damageBytes(random, PREFACE);
}

interface Conversation {
  readonly bytes: Buffer;
  readonly calls: number;
  readonly isAbandoned: boolean;
}

/** The server may have something to say for so long after the bytes were sent. */
const LISTEN_MS = 100;

/**
 * Sends bytes and ends when all calls are answered or nothing more is to be expected; or resets the connection in the midst
 * of it.
 *
 * @returns what arrived; undefined when the server did not close the connection
 */
function exchange(port: number, { bytes, calls, isAbandoned }: Conversation): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const arrived: Buffer[] = [];
    const listening = setTimeout(() => socket.end(), LISTEN_MS);
    const hanging = setTimeout(() => {
      resolve(undefined);
      socket.destroy();
    }, HANG_MS);
    socket.on("data", (part: Buffer) => {
      arrived.push(part);
      const frames = framesIn(Buffer.concat(arrived));
      const answered = frames.filter(
        ({ type, isLast }) => type === RST_STREAM || (type === HEADERS && isLast),
      );
      if (answered.length >= calls || frames.some(({ type }) => type === GOAWAY)) socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(listening);
      clearTimeout(hanging);
      resolve(Buffer.concat(arrived));
    });
    socket.write(bytes, () => {
      if (isAbandoned) socket.resetAndDestroy();
    });
  });
}
