import { Agent, request } from "node:http";
import type { Flight } from "./june-flights.ts";

export interface Traffic {
  /** When the first request was sent, ISO 8601. */
  readonly since: string;
  readonly predictions: readonly number[];
  readonly failed: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends each flight as one request over keep-alive connections, one request at a time on each (closed loop). */
export async function replayAsTraffic(options: {
  readonly url: string;
  readonly flights: readonly Flight[];
  readonly connections: number;
}): Promise<Traffic> {
  const { flights, connections } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const predictions = new Array<number>(flights.length).fill(Number.NaN);
  const latenciesMs = new Float64Array(flights.length);
  const since = new Date().toISOString();
  let next = 0;
  let failed = 0;

  const connection = async (): Promise<void> => {
    while (next < flights.length) {
      const index = next++;
      const began = performance.now();
      const answer = await post(agent, options.url, JSON.stringify({ instances: [flights[index]?.record] }));
      latenciesMs[index] = performance.now() - began;
      if (answer.status === 200)
        predictions[index] =
          (JSON.parse(answer.body) as { predictions: number[] }).predictions[0] ?? Number.NaN;
      else failed++;
      if (next % 1000 === 0 && process.stderr.isTTY)
        process.stderr.write(`\r${next.toLocaleString("en")} of ${flights.length.toLocaleString("en")}`);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, connection));
  const elapsedMs = performance.now() - began;
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  agent.destroy();

  latenciesMs.sort();
  const quantile = (share: number): number =>
    latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(share * latenciesMs.length))] ?? Number.NaN;
  return {
    since,
    predictions,
    failed,
    requestsPerSecond: (flights.length / elapsedMs) * 1000,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  };
}

function post(agent: Agent, url: string, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: "POST",
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
        response.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
