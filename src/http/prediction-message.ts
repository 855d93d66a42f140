import { IncomingMessage } from "node:http";

/** What happens to a request's body. Exactly one of the two is called, once, unless the connection breaks before. */
export interface BodyReceiver {
  receive(body: Buffer): void;
  /** The body is longer than `maxBytes`; the rest of it will be thrown away. */
  refuse(): void;
}

/** A client that goes on sending this much after it was refused is cut off. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/**
 * A request whose body is collected as the parser hands it out, without the machinery of a readable stream, which
 * costs more than everything else that node:http does for a small request.
 *
 * It works because node:http delivers a body by the public method `push` of its IncomingMessage, and lets a server bring
 * a class of its own. The message is never read as a stream.
 */
export class PredictionMessage extends IncomingMessage {
  private receiver: BodyReceiver | undefined;
  private maxBytes = 0;
  private body: Buffer = NOTHING;
  private pieces: Buffer[] | undefined;
  private length = 0;

  /** Of its body, so far. */
  get receivedBytes(): number {
    return this.length;
  }

  /** To be called when the request arrives: none of its body has been delivered then. */
  collect(maxBytes: number, receiver: BodyReceiver): void {
    this.receiver = receiver;
    this.maxBytes = maxBytes;
  }

  override push(chunk: Buffer | null): boolean {
    if (chunk === null) {
      const receiver = this.receiver;
      this.receiver = undefined;
      receiver?.receive(this.pieces === undefined ? this.body : Buffer.concat(this.pieces, this.length));
      return false;
    }
    this.length += chunk.length;
    if (this.receiver === undefined) {
      if (this.length > MAX_DISCARDED_BYTES) this.socket.destroy();
    } else if (this.length > this.maxBytes) {
      const receiver = this.receiver;
      this.receiver = undefined;
      this.pieces = undefined;
      this.body = NOTHING;
      receiver.refuse();
    } else if (this.body === NOTHING) this.body = chunk;
    else if (this.pieces === undefined) this.pieces = [this.body, chunk];
    else this.pieces.push(chunk);
    return true;
  }

  /** node:http calls this when an answer is sent before the body was read as a stream. There is nothing to pull. */
  _dump(): void {
    this.receiver = undefined;
  }
}

/** node:http asks for this to know whether it may forget a message. */
Object.defineProperty(PredictionMessage.prototype, "readableEnded", {
  get(this: PredictionMessage): boolean {
    return this.complete;
  },
});
