import type { SlipwayError } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import {
  type Circuit,
  type CircuitEvent,
  type CircuitLimits,
  CLOSED,
  mayCall,
  nextCircuit,
} from "./circuit.ts";
import type { RemoteConnections, TryOutcome } from "./remote-connections.ts";
import type { RemoteSpec } from "./remote-spec.ts";

const LIMITS: CircuitLimits = { failures: 5, openMs: 5_000 };
/** Statuses by which a server or a proxy says that another one may answer. */
const ELSEWHERE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const MOST_SHOWN = 300;

interface Address {
  readonly url: string;
  circuit: Circuit;
}

/** The addresses of one remote model, asked by turns; what fails at one is tried at another. */
export class RemoteAddresses {
  readonly #spec: Pick<RemoteSpec, "model" | "timeoutMs" | "tries">;
  readonly #addresses: readonly Address[];
  readonly #connections: RemoteConnections;
  readonly #nowMs: () => number;
  #turn = 0;

  constructor(spec: RemoteSpec, connections: RemoteConnections, nowMs: () => number) {
    this.#spec = spec;
    this.#addresses = spec.addresses.map((url) => ({ url, circuit: CLOSED }));
    this.#connections = connections;
    this.#nowMs = nowMs;
  }

  /** The states of the circuits, in the order of the addresses. */
  circuits(): readonly Circuit["state"][] {
    return this.#addresses.map(({ circuit }) => circuit.state);
  }

  /**
   * The body of the first answer. A prediction may be asked for twice: nothing is changed by it.
   *
   * @param path behind the address
   * @throws INFERENCE_REMOTE_UNAVAILABLE when none of the tries was answered; INFERENCE_REMOTE_REFUSED, INFERENCE_REMOTE_FAILED
   */
  async ask(path: string, body?: string): Promise<string> {
    const failures: string[] = [];
    const turn = this.#turn++;
    let tries = this.#spec.tries;
    for (let at = 0; at < this.#addresses.length && tries > 0; at++) {
      const address = this.#addresses[(turn + at) % this.#addresses.length]!;
      if (!mayCall(address.circuit, this.#nowMs())) {
        failures.push(`${address.url} failed several times in a row and is not asked for a while`);
        continue;
      }
      tries--;
      this.#note(address, "began");
      const { timeoutMs } = this.#spec;
      const given = await this.#connections.try(address.url + path, {
        timeoutMs,
        ...(body === undefined ? {} : { body }),
      });
      const failure = failureOf(given);
      this.#note(address, failure === undefined ? "answered" : "failed");
      if (failure !== undefined) failures.push(`${address.url}: ${failure}`);
      else if (given.outcome === "answered") return this.#textOf(given, address);
    }
    throw inferenceErrors.INFERENCE_REMOTE_UNAVAILABLE.error(
      `the remote model "${this.#spec.model}" does not answer: ${failures.join("; ")}`,
      { details: { remote: this.#spec.model, failures }, hint: "Other models are not affected." },
    );
  }

  #textOf(given: Extract<TryOutcome, { outcome: "answered" }>, { url }: Address): string {
    const { status, text } = given;
    if (status === 200) return text;
    const details = { remote: this.#spec.model, address: url, status };
    const said = messageIn(text);
    if (status >= 500)
      throw inferenceErrors.INFERENCE_REMOTE_FAILED.error(`${url} failed with status ${status}: ${said}`, {
        details,
      });
    throw inferenceErrors.INFERENCE_REMOTE_REFUSED.error(
      `${url} refused the request with status ${status}: ${said}`,
      {
        details,
      },
    ) satisfies SlipwayError;
  }

  #note(address: Address, event: CircuitEvent): void {
    address.circuit = nextCircuit(address.circuit, event, { nowMs: this.#nowMs(), limits: LIMITS });
  }
}

/** Why another address is to be tried; undefined for an answer that another would give too. */
function failureOf(given: TryOutcome): string | undefined {
  if (given.outcome === "failed") return given.reason;
  return ELSEWHERE.has(given.status) ? `status ${given.status}` : undefined;
}

function messageIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    if (typeof error === "string") return error.slice(0, MOST_SHOWN);
  } catch {
    // Proxies answer pages; their beginning says as much.
  }
  return text.slice(0, MOST_SHOWN);
}
