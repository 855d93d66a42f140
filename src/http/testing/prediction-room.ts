import { connect } from "node:net";
import { onTestFinished } from "vitest";
import type { AdmissionLimits } from "../../serving/index.ts";
import { openServingRoom, type ServingRoom } from "../../serving/testing/serving-room.ts";
import { routingOf, writeSmallBundle } from "../../serving/testing/small-bundle.ts";
import { type PredictionLimits, type PredictionServer, startPredictionServer } from "../prediction-server.ts";

export interface PredictionRoom extends ServingRoom {
  readonly server: PredictionServer;
  readonly defects: unknown[];
  get(path: string, init?: RequestInit): Promise<Answer>;
  post(path: string, body: unknown, init?: RequestInit): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of many forms
  readonly json: any;
}

/** A prediction server on a free port with the small model as version 1 of `late`. */
export async function openPredictionRoom(
  limits: Partial<PredictionLimits> = {},
  admission: Partial<AdmissionLimits> = {},
): Promise<PredictionRoom> {
  const room = await openServingRoom({ admission });
  await room.dataPlane.apply(routingOf(1, [await writeSmallBundle(room.blobs, { base: 0.25 })]));
  const defects: unknown[] = [];
  const server = await startPredictionServer({
    dataPlane: room.dataPlane,
    listen: { host: "127.0.0.1", port: 0 },
    limits,
    onDefect: (error) => defects.push(error),
  });
  onTestFinished(() => server.close({ drainMs: 0, graceMs: 0 }));
  const get = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(server.address + path, init);
    const text = await response.text();
    const isJson = response.headers.get("content-type") === "application/json" && text !== "";
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
  const post = (path: string, body: unknown, init: RequestInit = {}) =>
    get(path, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });
  return { ...room, server, defects, get, post };
}

/**
 * Sends bytes as they are and answers everything that came back until there were `responses` answers, the server closed,
 * or nothing happened for `quietMs`.
 */
export function exchange(
  port: number,
  pieces: readonly (string | Buffer)[],
  { responses = Number.POSITIVE_INFINITY, quietMs = 5_000 }: { responses?: number; quietMs?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ port, host: "127.0.0.1" }, async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((next) => setTimeout(next, 5));
      }
    });
    const finish = () => {
      socket.destroy();
      resolve(received);
    };
    socket.setTimeout(quietMs, finish);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const answered = received.match(/HTTP\/1\.1 [\s\S]*?\r\n\r\n/g)?.length ?? 0;
      if (answered >= responses) setTimeout(finish, 10);
    });
    socket.on("close", finish);
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") finish();
      else reject(error);
    });
  });
}
