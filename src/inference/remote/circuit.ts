/**
 * A circuit breaker of one address: after several failures in a row nothing is sent there for a while, then one call finds
 * out whether it answers again.
 */
export type Circuit =
  | { readonly state: "closed"; readonly failures: number }
  | { readonly state: "open"; readonly untilMs: number }
  | { readonly state: "half-open" };

export interface CircuitLimits {
  /** Failures in a row that open it. At least 1. */
  readonly failures: number;
  /** How long it stays open. */
  readonly openMs: number;
}

/** `began`: a call was sent; it is to be asked for by `mayCall` first. */
export type CircuitEvent = "began" | "answered" | "failed";

export const CLOSED: Circuit = { state: "closed", failures: 0 };

type Transition = (at: {
  readonly nowMs: number;
  readonly limits: CircuitLimits;
  readonly failures: number;
}) => Circuit;

const open: Transition = ({ nowMs, limits }) => ({ state: "open", untilMs: nowMs + limits.openMs });

const transitions: Readonly<Record<Circuit["state"], Readonly<Record<CircuitEvent, Transition | "stay">>>> = {
  closed: {
    began: "stay",
    answered: () => CLOSED,
    failed: (at) =>
      at.failures + 1 >= at.limits.failures ? open(at) : { state: "closed", failures: at.failures + 1 },
  },
  open: {
    began: () => ({ state: "half-open" }),
    // Calls that began before it opened say nothing new, unless they were answered.
    answered: () => CLOSED,
    failed: "stay",
  },
  "half-open": {
    began: "stay",
    answered: () => CLOSED,
    failed: open,
  },
};

/** Whether a call may be sent now; of a circuit that is half open none may until its one call has ended. */
export function mayCall(circuit: Circuit, nowMs: number): boolean {
  switch (circuit.state) {
    case "closed":
      return true;
    case "open":
      return nowMs >= circuit.untilMs;
    case "half-open":
      return false;
  }
}

export function nextCircuit(
  circuit: Circuit,
  event: CircuitEvent,
  at: { readonly nowMs: number; readonly limits: CircuitLimits },
): Circuit {
  const transition = transitions[circuit.state][event];
  if (transition === "stay") return circuit;
  return transition({ ...at, failures: circuit.state === "closed" ? circuit.failures : 0 });
}
