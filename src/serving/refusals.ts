import { SlipwayError } from "../kernel/index.ts";
import { type QueueRefusal, retryAfterSeconds, type ShedReason } from "./admission.ts";
import { servingErrors } from "./errors.ts";
import { nearestName } from "./nearest-name.ts";
import type { ModelStatus, ServedVersion } from "./served-version.ts";

/** The sentences in which the data plane says no. */

export function notReady(): SlipwayError {
  return servingErrors.SERVING_NOT_READY.error("no model is served yet", { hint: "Try again in a moment." });
}

export function unknownModel(name: string, known: readonly string[]): SlipwayError {
  const nearest = nearestName(name, known);
  const shown = name.slice(0, 100);
  const hint = nearest === undefined ? listed(known) : `Did you mean "${nearest}"?`;
  return servingErrors.SERVING_UNKNOWN_MODEL.error(`no model called "${shown}" is served`, {
    details: { model: shown, known: known.slice(0, 50), nearest: nearest ?? null },
    hint,
  });
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "No model is served: deploy one first.";
  return `The models served are ${names.slice(0, 50).join(", ")}.`;
}

export function unknownVersion(status: ModelStatus, version: number): SlipwayError {
  const known = status.versions.map((entry) => entry.version);
  return servingErrors.SERVING_UNKNOWN_VERSION.error(
    `model "${status.name}" is not served in version ${version}; its versions are ${known.join(", ")}`,
    { details: { model: status.name, version, known } },
  );
}

export function unknownLabel(model: string, label: string, known: readonly string[]): SlipwayError {
  const names = known.map((name) => `"${name}"`).join(", ");
  return servingErrors.SERVING_UNKNOWN_LABEL.error(
    `model "${model}" has no alias "${label.slice(0, 100)}"; it has ${names}`,
    { details: { model, label: label.slice(0, 100), known } },
  );
}

export function unavailable(status: ModelStatus, version: number | undefined): SlipwayError {
  const failed = status.versions.find(
    (entry) => entry.state === "failed" && (entry.version === version || version === undefined),
  );
  const what =
    version === undefined ? `model "${status.name}"` : `version ${version} of model "${status.name}"`;
  return servingErrors.SERVING_MODEL_UNAVAILABLE.error(
    `${what} could not be loaded${failed?.problem === undefined ? "" : `: ${failed.problem}`}`,
    { details: { model: status.name, ...(version === undefined ? {} : { version }) } },
  );
}

export function badInstance(thrown: unknown, served: ServedVersion, instance: number): unknown {
  if (!(thrown instanceof SlipwayError) || thrown.kind !== "invalid") return thrown;
  const { model, version } = served;
  return servingErrors.SERVING_BAD_INSTANCE.error(
    `model ${model} version ${version}, instance ${instance}: ${thrown.message}`,
    {
      details: { model, version, instance, ...thrown.details },
      cause: thrown,
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
    },
  );
}

export function noInstances({ model }: ServedVersion): SlipwayError {
  return servingErrors.SERVING_NO_INSTANCES.error(`the request to model ${model} holds no instance`, {
    details: { model },
  });
}

export function tooManyInstances({ model }: ServedVersion, instances: number, limit: number): SlipwayError {
  return servingErrors.SERVING_TOO_MANY_INSTANCES.error(
    `the request to model ${model} holds ${instances} instances; at most ${limit} are answered at once`,
    { details: { model, instances, limit }, hint: "Send the instances in several requests." },
  );
}

export function notFinite({ model, version }: ServedVersion, instance: number, output: number): SlipwayError {
  return servingErrors.SERVING_NOT_FINITE.error(
    `model ${model} version ${version}, instance ${instance}: the output is ${output}`,
    { details: { model, version, instance } },
  );
}

export function busy({ model }: ServedVersion, open: number): SlipwayError {
  return servingErrors.SERVING_BUSY.error(
    `model ${model} has ${open} requests to answer before this one; try again`,
    { details: { model, open } },
  );
}

const OVERLOADED: Readonly<Record<Exclude<QueueRefusal, "expired">, string>> = {
  "expected-wait": "this request would wait too long",
  "queue-full": "too many requests wait already",
  deadline: "the answer would come after the deadline of this request",
};

export function shedError(
  { model }: Pick<ServedVersion, "model">,
  reason: QueueRefusal,
  retryAfterMs: number,
): SlipwayError {
  if (reason === "expired") return late(model);
  const seconds = retryAfterSeconds(retryAfterMs);
  return servingErrors.SERVING_OVERLOADED.error(`model ${model} is overloaded: ${OVERLOADED[reason]}`, {
    details: { model, reason, retryAfterSeconds: seconds },
    hint: `Try again in ${seconds} s, or send fewer requests at once.`,
  });
}

/** Why a request was refused by too much to do; undefined for another error. */
export function shedReasonOf(thrown: unknown): ShedReason | undefined {
  if (servingErrors.SERVING_BUSY.is(thrown)) return "concurrency";
  if (servingErrors.SERVING_DEADLINE_EXCEEDED.is(thrown)) return "expired";
  if (!servingErrors.SERVING_OVERLOADED.is(thrown)) return undefined;
  return thrown.details.reason as QueueRefusal;
}

export function late(model: string): SlipwayError {
  return servingErrors.SERVING_DEADLINE_EXCEEDED.error(
    `the deadline of this request to model ${model} passed before it could be answered`,
    { details: { model } },
  );
}

export function closed(): SlipwayError {
  return servingErrors.SERVING_NOT_READY.error("this worker is shutting down", { hint: "Try again." });
}
