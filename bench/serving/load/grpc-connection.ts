import { connect, type Socket } from "node:net";
import { FrameReader, frame, frameType, PREFACE, RequestFrames } from "./http2-frames.ts";
import type { AnswerListener, LoadConnection } from "./load-connection.ts";

const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PREFIX_BYTES = 5;
/** Windows of flow control are as large as can be, and topped up before half of the connection's is used. */
const WINDOW_BYTES = 2 ** 31 - 1;
const TOP_UP_BYTES = 2 ** 30;
const DEFAULT_WINDOW_BYTES = 65_535;

interface CallUnderWay {
  readonly time: number;
  /** Of the answer's message, with its prefix. */
  received: number;
  /** Unknown, that is 0, before the prefix has come. */
  expected: number;
}

export interface GrpcCalls {
  readonly path: string;
  readonly message: Uint8Array;
  readonly callsPerConnection: number;
}

/**
 * Unary gRPC calls on a bare socket: only as much of HTTP/2 as a client of one method on a healthy connection needs. A call
 * counts as answered when a whole message came and trailers ended its stream; a refused one has trailers only.
 */
export class GrpcConnection implements LoadConnection {
  readonly #socket: Socket;
  readonly #frames: RequestFrames;
  readonly #reader = new FrameReader();
  readonly #listener: AnswerListener;
  readonly #most: number;
  readonly #calls = new Map<number, CallUnderWay>();
  #open = true;
  #nextStream = 1;
  #unacknowledgedBytes = 0;

  private constructor(port: number, calls: GrpcCalls, listener: AnswerListener) {
    if (calls.message.length * calls.callsPerConnection * 2 > DEFAULT_WINDOW_BYTES)
      throw new RangeError("so long messages need flow control, which this load generator does not have");
    this.#most = calls.callsPerConnection;
    this.#listener = listener;
    this.#frames = new RequestFrames({
      path: calls.path,
      authority: `127.0.0.1:${port}`,
      message: calls.message,
    });
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
  }

  static open(port: number, calls: GrpcCalls, listener: AnswerListener): Promise<GrpcConnection> {
    const connection = new GrpcConnection(port, calls, listener);
    const socket = connection.#socket;
    socket.write(PREFACE);
    socket.write(windowUpdate(WINDOW_BYTES - DEFAULT_WINDOW_BYTES));
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        socket.on("error", (error) => connection.#break(error.message));
        socket.on("close", () => connection.#break("the server closed the connection"));
        socket.on("data", (chunk: Buffer) => connection.#read(chunk));
        resolve(connection);
      });
    });
  }

  get room(): number {
    return this.#open ? this.#most - this.#calls.size : 0;
  }

  send(time: number): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, { time, received: 0, expected: 0 });
    this.#socket.write(this.#frames.of(stream));
  }

  close(): void {
    this.#break("the load generator closed the connection");
  }

  #read(chunk: Buffer): void {
    // What the answers of one chunk make the generator send goes out together.
    this.#socket.cork();
    this.#reader.read(chunk, (type, flags, stream, payload) => this.#take(type, flags, stream, payload));
    this.#socket.uncork();
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case frameType.data:
        this.#takeData(flags, stream, payload);
        break;
      case frameType.headers:
        if ((flags & END_HEADERS) === 0) this.#break("headers in several frames");
        else if ((flags & END_STREAM) !== 0) this.#end(stream);
        break;
      case frameType.resetStream:
        this.#fail(stream, `stream reset with code ${payload.readUInt32BE(0)}`);
        break;
      case frameType.settings:
        if ((flags & ACK) === 0) this.#socket.write(frame(frameType.settings, ACK, Buffer.alloc(0)));
        break;
      case frameType.ping:
        if ((flags & ACK) === 0) this.#socket.write(frame(frameType.ping, ACK, payload));
        break;
      case frameType.goAway:
        this.#break("the server asked to connect anew");
        break;
    }
  }

  #takeData(flags: number, stream: number, payload: Buffer): void {
    const call = this.#calls.get(stream);
    if ((flags & PADDED) !== 0) this.#break("padded frames");
    else if (call !== undefined && call.received === 0 && payload.length < PREFIX_BYTES)
      this.#break("the prefix of a message in several frames");
    else if (call !== undefined) {
      if (call.received === 0) call.expected = PREFIX_BYTES + payload.readUInt32BE(1);
      call.received += payload.length;
      if ((flags & END_STREAM) !== 0) this.#fail(stream, "an answer without trailers");
    }
    this.#unacknowledgedBytes += payload.length;
    if (this.#unacknowledgedBytes > TOP_UP_BYTES) {
      this.#socket.write(windowUpdate(this.#unacknowledgedBytes));
      this.#unacknowledgedBytes = 0;
    }
  }

  #end(stream: number): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    if (call.expected === 0) this.#fail(stream, "refused");
    else if (call.received !== call.expected) this.#fail(stream, "an answer of another length than it says");
    else {
      this.#calls.delete(stream);
      this.#listener.answered(call.time, call.received - PREFIX_BYTES);
    }
  }

  #fail(stream: number, reason: string): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    this.#calls.delete(stream);
    this.#listener.failed(call.time, reason);
  }

  #break(reason: string): void {
    this.#open = false;
    this.#socket.destroy();
    for (const stream of Array.from(this.#calls.keys())) this.#fail(stream, reason);
  }
}

function windowUpdate(bytes: number): Buffer {
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(bytes);
  return frame(frameType.windowUpdate, 0, increment);
}
