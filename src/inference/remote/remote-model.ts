import { canonicalJson, monotonicMs } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import { signatureOf } from "../onnx/graph-interface.ts";
import { readAnswers, wantedOutputs } from "../onnx/read-answers.ts";
import { writeInstances } from "../onnx/write-instances.ts";
import type { RecordModel } from "../record-model.ts";
import { RemoteAddresses } from "./remote-addresses.ts";
import { RemoteConnections } from "./remote-connections.ts";
import {
  type DescribedRemote,
  parseDescribedRemote,
  parseRemoteSpec,
  type RemoteSpec,
  remoteInterface,
  tensorsOf,
} from "./remote-spec.ts";
import { badAnswer, readInferAnswer, writeInferRequest } from "./v2-exchange.ts";

/** What a remote model is, for whoever imports it. */
export interface DescribedModel {
  /** What a bundle holds: the description with what the server said of its model. */
  readonly bytes: Uint8Array;
  readonly producer: string;
  readonly objective: string;
}

/**
 * Asks the server of a remote model what it takes and answers.
 *
 * @param bytes JSON as a user wrote it, see `RemoteSpec`
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_REMOTE_*
 */
export async function describeRemoteModel(bytes: Uint8Array): Promise<DescribedModel> {
  const spec = parseRemoteSpec(bytes);
  const connections = new RemoteConnections();
  try {
    // Whichever answers: they serve the same model.
    const patient = { ...spec, tries: spec.addresses.length };
    const text = await new RemoteAddresses(patient, connections, monotonicMs).ask(pathOf(spec));
    const described = withMetadata(spec, text);
    remoteInterface(described);
    return {
      bytes: Buffer.from(canonicalJson(described)),
      producer: described.platform,
      objective: `"${spec.model}" at ${spec.addresses.join(", ")}`,
    };
  } finally {
    connections.close();
  }
}

/**
 * Opens a model at another server. Nothing is asked of the server before the first record: when it is down, only its own
 * predictions are refused.
 *
 * @param bytes of a bundle
 * @throws INFERENCE_BAD_MODEL_FILE
 */
export function openRemoteModel(bytes: Uint8Array): RecordModel {
  const described = parseDescribedRemote(bytes);
  const graph = remoteInterface(described);
  const wanted = wantedOutputs(graph);
  const connections = new RemoteConnections();
  const addresses = new RemoteAddresses(described, connections, monotonicMs);
  const path = `${pathOf(described)}/infer`;
  return {
    signature: signatureOf(graph),
    predict: async (records, onWrong) => {
      const calls = writeInstances(graph, records, onWrong);
      const results = await Promise.all(
        calls.map(async ({ instances, inputs }) => {
          const text = await addresses.ask(path, writeInferRequest(inputs, described.inputs, wanted));
          return { instances, outputs: readInferAnswer(text, graph, wanted) };
        }),
      );
      return readAnswers(graph, results);
    },
    // Whether it is warm is a matter of its own server.
    warm: async () => undefined,
    runCounts: () => undefined,
    close: async () => connections.close(),
  };
}

function pathOf({ model, version }: RemoteSpec): string {
  const versioned = version === undefined ? "" : `/versions/${encodeURIComponent(version)}`;
  return `/v2/models/${encodeURIComponent(model)}${versioned}`;
}

function withMetadata(spec: RemoteSpec, text: string): DescribedRemote {
  let document: Readonly<Record<string, unknown>> | null;
  try {
    document = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
  } catch (cause) {
    throw badAnswer("its metadata are not JSON", cause);
  }
  const { platform, inputs, outputs } = document ?? {};
  try {
    return {
      ...spec,
      platform: typeof platform === "string" ? platform : "",
      inputs: tensorsOf(inputs, "inputs"),
      outputs: tensorsOf(outputs, "outputs"),
    };
  } catch (thrown) {
    if (!inferenceErrors.INFERENCE_BAD_MODEL_FILE.is(thrown)) throw thrown;
    throw badAnswer(`of its metadata, ${thrown.message.replace(/^.*wrong: /, "")}`, thrown);
  }
}
