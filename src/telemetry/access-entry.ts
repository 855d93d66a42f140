/** What the access log says of one request. Never what was in its body, nor in its query. */
export interface AccessEntry {
  /** When it arrived, in milliseconds since 1970. */
  readonly time: number;
  /** Process id of the worker. */
  readonly worker: number;
  readonly protocol: string;
  readonly method: string;
  readonly path: string;
  /** A status of HTTP, or the name of one of gRPC; `CLOSED` when the client went before it was answered. */
  readonly status: number | string;
  /** The stable code of the error that it was answered with. */
  readonly code?: string | undefined;
  readonly model?: string | undefined;
  readonly version?: number | undefined;
  readonly arm?: string | undefined;
  readonly instances?: number | undefined;
  /** From its headers to the end of its answer. */
  readonly durationMicros: number;
  /** Of the bodies, as they are sent; unknown of gRPC. */
  readonly bytesIn?: number | undefined;
  readonly bytesOut?: number | undefined;
  readonly predictionId?: string | undefined;
  readonly traceId?: string | undefined;
  /** Of the client, as the setting wants it. */
  readonly address?: string | undefined;
}

const LONGEST_PATH = 500;

/** One line of JSON, with a line break. */
export function accessLine(entry: AccessEntry): string {
  return `${JSON.stringify({
    kind: "request",
    ...entry,
    time: new Date(entry.time).toISOString(),
    path: entry.path.slice(0, LONGEST_PATH),
  })}\n`;
}

/** How much of a client's address is kept. */
export const addressForms = ["network", "full", "none"] as const;

export type AddressForm = (typeof addressForms)[number];

/**
 * `network`: the network of an address: IPv4 to 24 bits, IPv6 to 48. What is left does not name a person.
 *
 * @param address as node:net writes it
 */
export function keptAddress(address: string | undefined, form: AddressForm): string | undefined {
  if (address === undefined || form === "none") return undefined;
  const plain = address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
  if (form === "full") return plain;
  if (!plain.includes(":")) return `${plain.split(".").slice(0, 3).join(".")}.0`;
  const [before = ""] = plain.split("::");
  const groups = before.split(":").slice(0, 3);
  return `${groups.filter((group) => group !== "").join(":")}::`;
}
