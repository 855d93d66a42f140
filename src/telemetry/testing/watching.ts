import { RequestObserver } from "../request-observer.ts";
import type { Span } from "../span.ts";

export interface Watching {
  readonly observer: RequestObserver;
  /** What was added to the access log, a line a request. */
  readonly lines: string[];
  readonly spans: Span[];
}

/** An observer that logs and traces everything, into lists. */
export function watchEverything(): Watching {
  const lines: string[] = [];
  const spans: Span[] = [];
  const counts = { written: 0, exported: 0, dropped: 0 };
  const close = async () => undefined;
  const observer = new RequestObserver({
    clock: () => 1_700_000_000_000,
    random: () => 0,
    worker: process.pid,
    accessLog: { file: { add: (line) => lines.push(line), counts, close }, share: 1, addresses: "full" },
    tracing: {
      exporter: { add: (more) => spans.push(...more), counts, close },
      sampler: "parentbased_always_on",
      ratio: 1,
    },
  });
  return { observer, lines, spans };
}
