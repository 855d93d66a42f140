import { join } from "node:path";
import type { ControlClient, OperationOutput, ServerStatus } from "../wire/index.ts";
import { findRunningServer } from "./connect.ts";
import { exampleRecord } from "./example-record.ts";
import { printError } from "./print-error.ts";
import type { Session } from "./session.ts";
import { renderFields } from "./table.ts";

/**
 * What `slipway up` prints once everything answers: addresses, models served, a line to try. The server does not
 * depend on it: what cannot be found out is reported in its place.
 */
export async function describeServing(given: {
  readonly predictions: string;
  readonly grpc: string | null;
  readonly console: string | null;
  readonly session: Session;
}): Promise<string> {
  const { session } = given;
  const { out } = session.terminal;
  const { stateDirectory } = session.project();
  const served = await lookUpServed(stateDirectory, given);
  return [
    `${out.paint("bold", out.paint("green", "slipway is up"))}\n`,
    renderFields(
      [
        ["predictions", given.predictions],
        ...(given.grpc === null ? [] : [["gRPC", given.grpc] as const]),
        ["console", given.console ?? "none: there is no control plane"],
        ...(given.console === null
          ? []
          : [
              [
                "token",
                `in ${join(stateDirectory, "control.json")}; commands in this project find it by themselves`,
              ] as const,
            ]),
        ...modelFields(served.status),
      ],
      out,
    ),
    served.tryIt,
    `${out.paint("dim", "Ctrl-C stops it.")}\n`,
  ].join("");
}

interface Served {
  readonly status: ServerStatus | undefined;
  readonly tryIt: string;
}

async function lookUpServed(
  stateDirectory: string,
  { predictions, session }: { readonly predictions: string; readonly session: Session },
): Promise<Served> {
  let status: ServerStatus | undefined;
  try {
    const client = await openClient(stateDirectory, session);
    status = client && (await client.call("status", {}));
    return { status, tryIt: await tryLine({ client, status, predictions }) };
  } catch (error) {
    const { err } = session.terminal;
    err.write(`${err.paint("yellow", "!")} the server is up, but cannot be described:\n`);
    printError(error, { err, debug: session.settings.debug });
    return { status, tryIt: "" };
  }
}

async function openClient(stateDirectory: string, { settings }: Session): Promise<ControlClient | undefined> {
  const running = await findRunningServer(stateDirectory);
  if (!running) return undefined;
  const { createHttpClient } = await import("../client/index.ts");
  return createHttpClient({ ...running, actor: settings.actor });
}

function modelFields(status: ServerStatus | undefined): readonly (readonly [string, string])[] {
  if (status === undefined) return [];
  if (status.models.length === 0) return [["models", "none yet: run `slipway train` in another terminal"]];
  return status.models.map(({ model, version, state }) => [
    state === "ready" ? "serves" : "cannot serve",
    `${model} v${version}`,
  ]);
}

async function tryLine(given: {
  readonly client: ControlClient | undefined;
  readonly status: ServerStatus | undefined;
  readonly predictions: string;
}): Promise<string> {
  const first = given.status?.models.find(({ state }) => state === "ready");
  if (given.client === undefined || first === undefined) return "";
  const version = await given.client.call("models.show", { model: first.model, version: first.version });
  const snapshot = await given.client.call("data.show", {
    dataset: version.lineage.dataset,
    snapshot: version.lineage.snapshot,
  });
  return `\nTry it:\n${curlLine({ predictions: given.predictions, version, snapshot })}\n\n`;
}

/** A request that a shell sends as it stands, with typical values of the training data. */
export function curlLine(given: {
  readonly predictions: string;
  readonly version: Pick<OperationOutput<"models.show">, "model" | "inputs">;
  readonly snapshot: Pick<OperationOutput<"data.show">, "columns">;
}): string {
  const { predictions, version, snapshot } = given;
  const body = JSON.stringify({ instances: [exampleRecord(version.inputs, snapshot.columns)] });
  const url = `${predictions}/v1/models/${encodeURIComponent(version.model)}:predict`;
  return `curl -s ${url} -d '${body.replaceAll("'", String.raw`'\''`)}'`;
}
