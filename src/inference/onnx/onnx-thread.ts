import { enableCompileCache } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { AdaptedGraph } from "./adapt-graph.ts";
import type { SessionCall, SessionMessage, SessionThreadData } from "./session-message.ts";
import type { OnnxTensor, TensorDeclaration, TensorType } from "./tensor.ts";

/**
 * A thread that loads one graph and runs it. onnxruntime loads and runs synchronously, so it may be in no other. A thread does
 * not inherit the compile cache of the process; so everything is loaded after the cache is on.
 */
const { cacheDirectory, model, threads } = workerData as SessionThreadData;
if (cacheDirectory !== undefined) enableCompileCache(cacheDirectory);
const { SlipwayError } = await import("../../kernel/index.ts");
const { inferenceErrors } = await import("../errors.ts");
const { adaptGraph, hasBranches } = await import("./adapt-graph.ts");
const { tensorArrays } = await import("./tensor.ts");

const send = (message: SessionMessage, transfer: ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, transfer);

const reasonOf = (thrown: unknown): string => {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text
    .trim()
    .replaceAll(/\s*\n\s*/g, " ")
    .slice(0, 600);
};

try {
  const { InferenceSession, Tensor, env } = await loadRuntime();
  // Its messages come back as errors; it need not print them.
  env.logLevel = "fatal";
  const { graph, session } = await load(InferenceSession);
  const inputs = session.inputMetadata.map((declared) => declarationOf(declared, graph));
  const outputs = session.outputMetadata.map((declared) => declarationOf(declared, graph));
  parentPort?.on("message", (call: SessionCall) => {
    answer(call, { session, graph, Tensor }).then(
      (message) => send(message, buffersOf(message.outputs)),
      (thrown: unknown) => {
        const failure =
          thrown instanceof SlipwayError
            ? thrown
            : inferenceErrors.INFERENCE_RUN_FAILED.error(`the graph could not be run: ${reasonOf(thrown)}`);
        send({ id: call.id, failed: failure.toJSON() });
      },
    );
  });
  send({ opened: { inputs, outputs, branches: hasBranches(model) } });
} catch (thrown) {
  if (!(thrown instanceof SlipwayError)) throw thrown;
  send({ refused: thrown.toJSON() });
}

async function loadRuntime(): Promise<typeof import("onnxruntime-node")> {
  try {
    const runtime = await import("onnxruntime-node");
    return runtime;
  } catch (cause) {
    throw inferenceErrors.INFERENCE_NO_ONNXRUNTIME.error(`onnxruntime cannot be loaded: ${reasonOf(cause)}`, {
      cause,
      hint: "It runs on Linux and Windows (x64, arm64) and on macOS (arm64). Where it should run: `npm install` again.",
    });
  }
}

async function load(
  factory: typeof InferenceSession,
  graph = adaptGraph(model),
): Promise<{ readonly graph: AdaptedGraph; readonly session: InferenceSession }> {
  try {
    const session = await factory.create(graph.bytes, {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: 4,
    });
    return { graph, session };
  } catch (thrown) {
    const reason = reasonOf(thrown);
    if (/construct locale with name/.test(reason) && !graph.hasCommonLocale)
      return await load(factory, adaptGraph(model, { commonLocale: true }));
    throw refused(reason);
  }
}

function refused(reason: string): Error {
  const type = /^Unsupported data type: (\d+)$/.exec(reason)?.[1];
  const part = type === undefined ? reason : `a tensor of the element type ${type} as input or output`;
  return inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.error(`the ONNX file cannot be imported: ${part}`, {
    details: { format: "onnx", part },
    ...(/external data|external_data|model_path/i.test(reason)
      ? { hint: "Save the model with its weights in one file." }
      : {}),
  });
}

function declarationOf(
  declared: InferenceSession.ValueMetadata,
  { original, classes }: AdaptedGraph,
): TensorDeclaration {
  const name = original.get(declared.name) ?? declared.name;
  if (!declared.isTensor)
    throw inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.error(
      `the ONNX file cannot be imported: "${name}" is a sequence or a map, not a tensor`,
      { details: { format: "onnx", part: name } },
    );
  const keys = classes.get(name);
  return {
    name,
    type: typeOf(declared.type, name),
    shape: declared.shape.map((extent) => (typeof extent === "number" ? extent : undefined)),
    ...(keys === undefined ? {} : { classes: keys }),
  };
}

function typeOf(type: string, name: string): TensorType {
  if (type === "string" || Object.hasOwn(tensorArrays, type)) return type as TensorType;
  throw inferenceErrors.INFERENCE_UNSUPPORTED_MODEL.error(
    `the ONNX file cannot be imported: "${name}" is a tensor of the element type ${type}`,
    { details: { format: "onnx", part: type } },
  );
}

async function answer(
  { id, inputs, outputs }: SessionCall,
  parts: {
    readonly session: InferenceSession;
    readonly graph: AdaptedGraph;
    readonly Tensor: typeof OrtTensor;
  },
): Promise<{ readonly id: number; readonly outputs: Record<string, OnnxTensor> }> {
  const { session, graph, Tensor } = parts;
  const inFile = (name: string): string => graph.original.get(name) ?? name;
  const feeds: Record<string, OrtTensor> = {};
  for (const name of session.inputNames) {
    const given = inputs[inFile(name)];
    if (given !== undefined) feeds[name] = new Tensor(given.type, given.data as never, given.shape);
  }
  const wanted = session.outputNames.filter((name) => outputs.includes(inFile(name)));
  const results = await session.run(feeds, wanted);
  const answered: Record<string, OnnxTensor> = {};
  for (const name of wanted) {
    const { type, dims, data } = results[name]!;
    answered[inFile(name)] = { type, shape: dims, data } as OnnxTensor;
  }
  return { id, outputs: answered };
}

/** What need not be copied on its way to the other thread. */
function buffersOf(outputs: Readonly<Record<string, OnnxTensor>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { type, data } of Object.values(outputs))
    if (type !== "string" && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  return Array.from(buffers);
}
