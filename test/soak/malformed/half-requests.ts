import { connect } from "node:net";
import type { Random } from "../../../src/kernel/index.ts";
import { shown, type VisitContext } from "./http-visit.ts";
import { goodRequest } from "./requests.ts";

/** What a client that stops in the middle of a request is given: the server's own bounds, and some patience. */
const BOUND_MS = { headers: 10_000, body: 30_000 } as const;
const PATIENCE_MS = 8_000;

/**
 * Requests of which only a part is sent, on connections that stay open. The server must end each of them by itself.
 *
 * @param stopsIn where the first byte is missing
 */
export async function leaveHalfRequests(
  random: Random,
  { port, answers, tally }: VisitContext,
  { count, stopsIn }: { readonly count: number; readonly stopsIn: keyof typeof BOUND_MS },
): Promise<void> {
  const halves = Array.from({ length: count }, () => {
    const { bytes } = goodRequest(random, answers);
    const headEnd = bytes.indexOf("\r\n\r\n") + 4;
    const length =
      stopsIn === "headers" ? random.integer(headEnd) : headEnd + random.integer(bytes.length - headEnd);
    return bytes.subarray(0, length);
  });
  await Promise.all(
    halves.map(async (half) => {
      const arrived = await untilClosed(port, half, BOUND_MS[stopsIn] + PATIENCE_MS);
      if (arrived === undefined) throw new Error(`the server waits on for the rest of:\n${shown(half)}`);
      const status = /^HTTP\/1\.1 (\d{3})/.exec(arrived)?.[1];
      if (status !== undefined && status !== "408")
        throw new Error(`status ${status} for a part of a request:\n${shown(half)}`);
      tally.countClosed();
    }),
  );
}

function untilClosed(port: number, bytes: Buffer, boundMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let arrived = "";
    const timer = setTimeout(() => {
      resolve(undefined);
      socket.destroy();
    }, boundMs);
    socket.setEncoding("latin1").on("data", (text: string) => {
      arrived += text;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(arrived);
    });
    socket.write(bytes);
  });
}
