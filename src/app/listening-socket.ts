import type { SendHandle } from "node:child_process";
import { lookup } from "node:dns/promises";
import * as net from "node:net";
import { getSystemErrorMap } from "node:util";
import { appErrors } from "./errors.ts";

/** A bound TCP socket that accepts nothing by itself; every worker that is given it listens on the same queue. */
export interface BoundSocket {
  readonly handle: SendHandle;
  readonly host: string;
  readonly port: number;
  close(): void;
}

interface NativeHandle {
  getsockname(out: { address?: string; port?: number }): number;
  close(): void;
}

/**
 * Node's cluster module binds its shared sockets with this function and sends them as raw handles. It is the only
 * way to bind without accepting: a `net.Server` in the supervisor would take connections it cannot answer.
 */
type CreateServerHandle = (
  host: string,
  port: number,
  family: number,
  fd: undefined,
  flags: number,
) => NativeHandle | number;

const { _createServerHandle: createServerHandle } = net as unknown as {
  _createServerHandle: CreateServerHandle;
};

/** libuv's UV_TCP_REUSEPORT: lets a new supervisor bind beside the workers that a dead one left behind. */
const REUSE_PORT = 2;

export interface BindOptions {
  /** The option by which the port is chosen, for messages. */
  readonly option: string;
  /** The port is known to be held only by workers of this project. */
  readonly besideOrphans: boolean;
}

/** @throws APP_PORT_IN_USE, APP_CANNOT_LISTEN */
export async function bindSocket(host: string, port: number, options: BindOptions): Promise<BoundSocket> {
  const address = await resolveHost(host);
  if (port !== 0 && !options.besideOrphans)
    await refusePortInUse({ host: address, port, option: options.option });
  const family = net.isIPv6(address) ? 6 : 4;
  const handle = createServerHandle(address, port, family, undefined, REUSE_PORT);
  if (typeof handle === "number") {
    const [name = `error ${handle}`, meaning = ""] = getSystemErrorMap().get(handle) ?? [];
    throw cannotListen(address, port, `${meaning} (${name})`);
  }
  const bound: { address?: string; port?: number } = {};
  handle.getsockname(bound);
  return {
    handle: handle as unknown as SendHandle,
    host: address,
    port: bound.port ?? port,
    close: () => handle.close(),
  };
}

async function resolveHost(host: string): Promise<string> {
  if (net.isIP(host) !== 0) return host;
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (cause) {
    throw appErrors.APP_CANNOT_LISTEN.error(`the host name "${host}" does not resolve`, {
      details: { host },
      cause,
    });
  }
}

/** A shared port can be bound twice without an error, so that somebody else on it must be looked for. */
function refusePortInUse({
  host,
  port,
  option,
}: {
  readonly host: string;
  readonly port: number;
  readonly option: string;
}): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? appErrors.APP_PORT_IN_USE.error(`port ${port} on ${host} is already in use`, {
              details: { host, port },
              hint: `stop the program that holds it, or choose another port with ${option}`,
            })
          : cannotListen(host, port, error.message),
      );
    });
    probe.listen({ host, port }, () => probe.close(() => resolve()));
  });
}

function cannotListen(host: string, port: number, why: string): Error {
  return appErrors.APP_CANNOT_LISTEN.error(`cannot listen on ${host}:${port}: ${why}`, {
    details: { host, port },
  });
}
