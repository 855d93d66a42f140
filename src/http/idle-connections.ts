import type { Socket } from "node:net";

const SWEEPS_PER_TIMEOUT = 8;

/**
 * Closes connections on which nothing has arrived for a while.
 *
 * node:http can do this by a timer for each connection, which it sets and clears with every request; that costs more
 * processor time than a prediction does. Looking at all connections now and then costs a request nothing.
 *
 * @param timeoutMs a connection is closed after it was silent for this long, and at most an eighth longer
 */
export function closeIdleConnections(timeoutMs: number): {
  watch(socket: Socket): void;
  stop(): void;
} {
  /** Bytes that had arrived when the connection was last seen to be alive, and the sweeps since then. */
  const watched = new Map<Socket, { bytesRead: number; silentSweeps: number }>();
  const sweep = () => {
    for (const [socket, seen] of watched) {
      if (socket.bytesRead !== seen.bytesRead) {
        seen.bytesRead = socket.bytesRead;
        seen.silentSweeps = 0;
      } else if (++seen.silentSweeps > SWEEPS_PER_TIMEOUT) socket.destroy();
    }
  };
  const timer = setInterval(sweep, Math.max(1, Math.ceil(timeoutMs / SWEEPS_PER_TIMEOUT))).unref();
  return {
    watch: (socket) => {
      watched.set(socket, { bytesRead: 0, silentSweeps: 0 });
      socket.once("close", () => watched.delete(socket));
    },
    stop: () => clearInterval(timer),
  };
}
