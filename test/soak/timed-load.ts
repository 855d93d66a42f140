import { Agent, request } from "node:http";
import { quantileOfSorted } from "../../src/stats/index.ts";

/** What is sent again and again, in turn. */
export interface LoadedModel {
  readonly model: string;
  /** The instances of the request with this number. */
  readonly instances: (number: number) => readonly unknown[];
}

export interface TimedAnswer {
  readonly model: string;
  /** On this process's monotonic clock, in milliseconds. */
  readonly sentAt: number;
  readonly doneAt: number;
  /** Since the request was due: a late sender does not hide a late answer. */
  readonly latencyMs: number;
  readonly version: number;
  readonly id: string;
}

export interface FailedRequest {
  readonly model: string;
  readonly sentAt: number;
  readonly doneAt: number;
  readonly reason: string;
}

export interface TimedLoad {
  readonly answers: readonly TimedAnswer[];
  /** Requests that had no good answer, also after the one retry that a load may allow. */
  readonly failed: readonly FailedRequest[];
  /** Attempts that broke and were made good by a retry. */
  readonly retried: readonly FailedRequest[];
  inFlight(): number;
  stop(): Promise<void>;
}

export interface TimedLoadOptions {
  readonly base: string;
  readonly models: readonly LoadedModel[];
  /** Requests are due at a fixed rate, whether the earlier ones are answered or not. */
  readonly perSecond: number;
  readonly connections: number;
  /** Send a request whose connection broke once more, over a new one. */
  readonly retry: boolean;
}

const TICK_MS = 5;

/** Predictions at a fixed rate over keep-alive connections, until it is stopped. */
export function startTimedLoad(options: TimedLoadOptions): TimedLoad {
  const { base, models, perSecond, connections } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answers: TimedAnswer[] = [];
  const failed: FailedRequest[] = [];
  const retried: FailedRequest[] = [];
  const open = new Set<Promise<void>>();
  const startedAt = performance.now();
  let number = 0;

  const ask = async (dueAt: number): Promise<void> => {
    const { model, instances } = models[number % models.length]!;
    const call = {
      url: `${base}/v1/models/${model}:predict`,
      body: JSON.stringify({ instances: instances(number++) }),
    };
    const attempt = async (through: Agent | undefined): Promise<FailedRequest | undefined> => {
      const sentAt = performance.now();
      try {
        const { status, version, id, text } = await post(through, call);
        const doneAt = performance.now();
        if (status !== 200) return { model, sentAt, doneAt, reason: `${status} ${text}` };
        answers.push({ model, sentAt, doneAt, latencyMs: doneAt - dueAt, version, id });
        return undefined;
      } catch (error) {
        return { model, sentAt, doneAt: performance.now(), reason: String(error) };
      }
    };
    const first = await attempt(agent);
    if (first === undefined) return;
    if (!options.retry) {
      failed.push(first);
      return;
    }
    const second = await attempt(undefined);
    if (second === undefined) retried.push(first);
    else failed.push({ ...second, reason: `${first.reason}, and again: ${second.reason}` });
  };

  const timer = setInterval(() => {
    for (;;) {
      const dueAt = startedAt + (number * 1000) / perSecond;
      if (dueAt > performance.now()) return;
      const asked = ask(dueAt).finally(() => open.delete(asked));
      open.add(asked);
    }
  }, TICK_MS);
  return {
    answers,
    failed,
    retried,
    inFlight: () => open.size,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(open);
      agent.destroy();
    },
  };
}

/** Of latencies in milliseconds. */
export function p99(answers: readonly Pick<TimedAnswer, "latencyMs">[]): number {
  return quantileOfSorted(Float64Array.from(answers, ({ latencyMs }) => latencyMs).sort(), 0.99);
}

export function between<Item extends { readonly sentAt: number }>(
  items: readonly Item[],
  [from, to]: readonly [number, number],
): readonly Item[] {
  return items.filter(({ sentAt }) => sentAt >= from && sentAt < to);
}

interface Posted {
  readonly status: number;
  readonly version: number;
  readonly id: string;
  readonly text: string;
}

/** Without an agent over a connection of its own. */
function post(
  agent: Agent | undefined,
  { url, body }: { readonly url: string; readonly body: string },
): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent: agent ?? false, method: "POST", timeout: 10_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject);
      response.once("end", () => {
        const { "x-slipway-version": version, "x-slipway-prediction-id": id } = response.headers;
        resolve({ status: response.statusCode ?? 0, version: Number(version), id: String(id), text });
      });
    });
    outgoing.once("error", reject);
    outgoing.once("timeout", () => outgoing.destroy(new Error("no answer within 10 s")));
    outgoing.end(body);
  });
}
