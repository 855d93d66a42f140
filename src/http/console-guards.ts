import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { SlipwayError } from "../kernel/index.ts";
import { httpErrors } from "./errors.ts";

/** The part of a request that decides whether its sender may come in. */
export interface Caller {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
}

export interface HostRule {
  /** What the console listens on. */
  readonly listenHost: string;
  /** Further names, for instance those of a proxy in front. */
  readonly allowedHosts: readonly string[];
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Who comes in by a name that is not ours has been led here by somebody's DNS: a web page whose name was pointed at
 * this machine may send anything, and only its Host header gives it away. Addresses cannot be rebound, so that a
 * console that listens beyond the loopback answers to them.
 *
 * @returns the refusal, or `undefined`
 */
export function refuseHost(host: string | undefined, rule: HostRule): SlipwayError | undefined {
  const name = host === undefined ? undefined : hostName(host);
  if (name !== undefined) {
    if (LOOPBACK.has(name) || name === rule.listenHost.toLowerCase()) return undefined;
    if (rule.allowedHosts.some((allowed) => allowed.toLowerCase() === name)) return undefined;
    const address = name.replace(/^\[|\]$/g, "");
    if (!isLoopback(rule.listenHost) && isIP(address) !== 0) return undefined;
  }
  return httpErrors.HTTP_HOST_REFUSED.error(
    `the console does not answer to the host "${(host ?? "").slice(0, 100)}"`,
    {
      details: { host: (host ?? "").slice(0, 100) },
      hint: "use its address, or allow the name with --allowed-hosts or SLIPWAY_ALLOWED_HOSTS",
    },
  );
}

function isLoopback(listenHost: string): boolean {
  return listenHost === "localhost" || listenHost === "::1" || listenHost.startsWith("127.");
}

/** `example.org` of `Example.org:4700`; `undefined` for what is not a host. */
function hostName(host: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  return match?.[1]?.toLowerCase();
}

/** Browsers say where a call comes from; anything but the console's own pages is refused. Programs send no Origin. */
export function refuseOrigin({ origin, host }: Caller): SlipwayError | undefined {
  if (origin === undefined) return undefined;
  if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return undefined;
  return httpErrors.HTTP_ORIGIN_REFUSED.error(
    `the console takes no calls from pages of ${origin.slice(0, 100)}`,
    {
      details: { origin: origin.slice(0, 100) },
    },
  );
}

/** Compares digests, so that neither the length nor the first difference of the token shows in the time taken. */
export function createTokenCheck(
  token: string,
): (authorization: string | undefined) => SlipwayError | undefined {
  const sha = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = sha(token);
  const hint =
    "the running server keeps it in control.json in its state directory (.slipway unless set otherwise); pass it with --token or SLIPWAY_TOKEN";
  return (authorization) => {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (given === undefined) {
      return httpErrors.HTTP_TOKEN_MISSING.error(
        "the console asks for its token: Authorization: Bearer <token>",
        { hint },
      );
    }
    if (timingSafeEqual(sha(given), expected)) return undefined;
    return httpErrors.HTTP_TOKEN_WRONG.error("the token is not this server's", { hint });
  };
}
