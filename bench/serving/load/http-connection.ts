import { connect, type Socket } from "node:net";
import type { AnswerListener, LoadConnection } from "./load-connection.ts";

const READ_BYTES = 64 * 1024;
const HEAD_END = "\r\n\r\n";
const NOTHING = Buffer.alloc(0);

/** HTTP/1.1 on a bare socket, with one request under way at a time: the same bytes again and again. */
export class HttpConnection implements LoadConnection {
  readonly #socket: Socket;
  readonly #request: Uint8Array;
  readonly #listener: AnswerListener;
  #open = true;
  /** When the request under way was to be sent; undefined when there is none. */
  #time: number | undefined;
  /** The beginning of an answer whose headers are not complete. */
  #head = NOTHING;
  #received = 0;
  /** Bytes of the whole answer; 0 while its headers are not known. */
  #expected = 0;
  #status = 0;

  private constructor(port: number, request: Uint8Array, listener: AnswerListener) {
    this.#request = request;
    this.#listener = listener;
    const buffer = Buffer.alloc(READ_BYTES);
    const callback = (length: number): boolean => {
      this.#read(buffer.subarray(0, length));
      return true;
    };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread: { buffer, callback } });
  }

  static open(port: number, request: Uint8Array, listener: AnswerListener): Promise<HttpConnection> {
    const connection = new HttpConnection(port, request, listener);
    const socket = connection.#socket;
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        socket.on("error", (error) => connection.#break(error.message));
        socket.on("close", () => connection.#break("the server closed the connection"));
        resolve(connection);
      });
    });
  }

  get room(): number {
    return this.#open && this.#time === undefined ? 1 : 0;
  }

  send(time: number): void {
    this.#time = time;
    this.#received = 0;
    this.#expected = 0;
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#break("the load generator closed the connection");
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#time === undefined) {
      this.#break("the server sent what nobody asked for");
      return;
    }
    if (this.#expected === 0 && !this.#readHead(chunk)) return;
    this.#received += chunk.length;
    if (this.#received < this.#expected) return;
    const time = this.#time;
    this.#time = undefined;
    if (this.#received > this.#expected) this.#failAndBreak(time, "an answer longer than it says");
    else if (this.#status === 200) this.#listener.answered(time, this.#received);
    else this.#listener.failed(time, `status ${this.#status}`);
  }

  /** @returns false while the headers are not complete */
  #readHead(chunk: Buffer): boolean {
    const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) {
      // The chunk's memory is used again for the next one.
      this.#head = Buffer.from(bytes);
      return false;
    }
    const head = bytes.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) {
      this.#break("an answer without content-length");
      return false;
    }
    this.#status = Number(head.slice(9, 12));
    this.#received = this.#head.length;
    this.#expected = end + HEAD_END.length + Number(length[1]);
    this.#head = NOTHING;
    return true;
  }

  #break(reason: string): void {
    const time = this.#time;
    this.#time = undefined;
    if (time === undefined) this.#shut();
    else this.#failAndBreak(time, reason);
  }

  #failAndBreak(time: number, reason: string): void {
    this.#shut();
    this.#listener.failed(time, reason);
  }

  #shut(): void {
    this.#open = false;
    this.#socket.destroy();
  }
}
