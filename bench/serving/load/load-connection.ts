/** One connection of the load generator to a server. */
export interface LoadConnection {
  /** How many requests can be sent before one of them is answered; 0 for ever once the connection is broken. */
  readonly room: number;
  /** Sends a request. Its time comes back with its answer. */
  send(time: number): void;
  close(): void;
}

/** Hears of every request that was sent exactly one of the two, once. */
export interface AnswerListener {
  answered(time: number, bytes: number): void;
  failed(time: number, reason: string): void;
}
