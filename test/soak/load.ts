import { Agent, request } from "node:http";
import { model, recordOf } from "./project.ts";

export interface Load {
  /** Ids of predictions whose answer has arrived whole. */
  readonly acknowledged: readonly string[];
  /** Requests that got no answer, as when the server is killed. */
  readonly unanswered: () => number;
  readonly refused: () => number;
  stop(): Promise<void>;
}

/** Requests over keep-alive connections, one after the other on each, until it is stopped; what fails is counted and not repeated. */
export function startLoad(base: string, connections: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const acknowledged: string[] = [];
  let unanswered = 0;
  let refused = 0;
  let sent = 0;
  let stopping = false;

  const connection = async (): Promise<void> => {
    while (!stopping) {
      try {
        const { status, id } = await post(agent, `${base}/v1/models/${model}:predict`, {
          instances: [recordOf(sent++)],
        });
        if (status === 200 && id !== undefined) acknowledged.push(id);
        else refused++;
      } catch {
        unanswered++;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  const running = Promise.all(Array.from({ length: connections }, connection));
  return {
    acknowledged,
    unanswered: () => unanswered,
    refused: () => refused,
    stop: async () => {
      stopping = true;
      await running;
      agent.destroy();
    },
  };
}

function post(
  agent: Agent,
  url: string,
  body: unknown,
): Promise<{ status: number | undefined; id: string | undefined }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: "POST", timeout: 10_000 }, (response) => {
      response.once("error", reject);
      response.once("end", () => {
        const id = response.headers["x-slipway-prediction-id"];
        resolve({ status: response.statusCode, id: typeof id === "string" ? id : undefined });
      });
      response.resume();
    });
    outgoing.once("error", reject);
    outgoing.once("timeout", () => outgoing.destroy(new Error("no answer within 10 s")));
    outgoing.end(JSON.stringify(body));
  });
}
