import type { Socket } from "node:net";
import type { Brake } from "../serving/index.ts";

/** Connections that are read again in one turn of the event loop. */
const SHARE = 128;

/**
 * Stops reading from connections, so that what their clients send waits in the buffers of the operating system and the
 * clients come to a halt by themselves: load is shed without a word, where a refusal would cost as much as an answer.
 * Connections are read again in the order in which they were stopped, a share at a time; new ones are read at once.
 */
export class ReadingBrake implements Brake {
  readonly #reading = new Set<Socket>();
  /** In the order in which they were stopped. */
  readonly #stopped = new Set<Socket>();

  /** Connections that are not read from. */
  get stopped(): number {
    return this.#stopped.size;
  }

  watch(socket: Socket): void {
    this.#reading.add(socket);
    socket.once("close", () => {
      this.#reading.delete(socket);
      this.#stopped.delete(socket);
    });
  }

  engage(): void {
    for (const socket of this.#reading) {
      socket.pause();
      this.#stopped.add(socket);
    }
    this.#reading.clear();
  }

  release(): boolean {
    let left = SHARE;
    for (const socket of this.#stopped) {
      if (left-- === 0) break;
      this.#stopped.delete(socket);
      this.#reading.add(socket);
      socket.resume();
    }
    return this.#stopped.size > 0;
  }
}
