/** What the load generator is told to do. The servers take turns, in short windows, so that whatever else the machine does meets them all. */
export interface LoadOrder {
  readonly targets: readonly LoadTarget[];
  readonly pace: Pace;
  /** Shortest time of warming up, without measuring, in a closed loop. */
  readonly warmMs: number;
  /** Warming up goes on until so many requests are answered, and for four times `warmMs` at most. */
  readonly warmRequests: number;
  readonly windowMs: number;
  /** Windows of each server. */
  readonly rounds: number;
}

export interface LoadTarget {
  readonly port: number;
  /** Process whose processor time is read; 0 where the server is more than one. */
  readonly pid: number;
  readonly connections: number;
  readonly request: LoadRequest;
}

export type LoadRequest =
  /** One request under way on a connection, without pipelining. @see httpRequest */
  | { readonly protocol: "http"; readonly bytes: Uint8Array }
  /** A unary call. */
  | {
      readonly protocol: "grpc";
      readonly path: string;
      readonly message: Uint8Array;
      /** Most calls under way on a connection. */
      readonly callsPerConnection: number;
    };

export type Pace =
  /** Every connection always has its fill: the next request is sent when one has been answered. */
  | { readonly kind: "closed-loop" }
  /** Requests are due at fixed intervals, whatever the server does. Latency counts from the time a request was due. */
  | { readonly kind: "open-loop"; readonly perSecond: number };

/** What one server did. The counts are of all its windows and of warming up; the rest of its windows only. */
export interface LoadResult {
  readonly windows: readonly LoadWindow[];
  /** Milliseconds; NaN when nothing was answered. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Open loop: how much later than due requests were sent, in milliseconds. NaN in a closed loop. */
  readonly latenessP99: number;
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Open loop: requests that were due and could not be sent within their window and a second after it. */
  readonly unsent: number;
  /** Why requests failed, and how many for each reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Bytes of the last answer: all of an HTTP response, the message of a gRPC one. */
  readonly answerBytes: number;
}

export interface LoadWindow {
  readonly requestsPerSecond: number;
  /** Processor time of the server for each request; NaN where the system does not tell. */
  readonly cpuMicroseconds: number;
}

/** The bytes of an HTTP/1.1 request. */
export function httpRequest(request: {
  readonly path: string;
  readonly body: Uint8Array | string;
  /** Default: the content type of JSON. */
  readonly headers?: Readonly<Record<string, string>>;
}): LoadRequest {
  const body = Buffer.from(request.body);
  const headers = { "content-type": "application/json", ...request.headers };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${request.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("")}content-length: ${body.length}\r\n\r\n`;
  return { protocol: "http", bytes: Buffer.concat([Buffer.from(head), body]) };
}
