import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import { deserializeError, type SlipwayError, siblingModule } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import type {
  SessionCall,
  SessionDescription,
  SessionMessage,
  SessionThreadData,
} from "./session-message.ts";
import type { OnnxTensor, TensorDeclaration } from "./tensor.ts";

/**
 * An ONNX graph, loaded and run by onnxruntime on a thread of its own: nothing of it happens on the caller's event loop.
 *
 * ```ts
 * const session = await openOnnxSession(await readFile("model.onnx"));
 * const { probabilities } = await session.run({
 *   images: { type: "float32", shape: [2, 3, 224, 224], data: new Float32Array(2 * 3 * 224 * 224) },
 * });
 * await session.close();
 * ```
 *
 * Calls are answered in their order, one after the other. A session does not keep the process alive; an open call does.
 */
export interface OnnxSession {
  /** The graph's inputs and outputs, 16-bit floats as float32, and instead of maps (ZipMap) the tensor of their values. */
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  /** Whether the graph has nodes that choose what is computed. */
  readonly branches: boolean;
  /**
   * Runs the graph once.
   *
   * @param inputs a tensor for each of the graph's inputs. Their arrays are copied, unless `giveAway` is set: then they move to
   *   the thread and are empty afterwards
   * @param options `outputs`: the names of those that are wanted; all of them when left out
   * @throws INFERENCE_RUN_FAILED with onnxruntime's reason: an input is missing, of another type or shape, or an
   *   operator fails on these values
   */
  run(
    inputs: Readonly<Record<string, OnnxTensor>>,
    options?: { readonly outputs?: readonly string[]; readonly giveAway?: boolean },
  ): Promise<Readonly<Record<string, OnnxTensor>>>;
  /** Ends the thread and frees its memory. Calls that are not answered yet are refused. */
  close(): Promise<void>;
}

export interface OnnxSessionOptions {
  /** Threads that one operator may use. Default 1: small graphs are slower with more. */
  readonly intraOpNumThreads?: number;
  /** True when the caller does not need `bytes` any more: they move to the thread instead of being copied. */
  readonly giveAway?: boolean;
}

/**
 * Loads an ONNX file.
 *
 * @throws INFERENCE_UNSUPPORTED_MODEL naming the operator, type or file that onnxruntime does not have,
 *   INFERENCE_BAD_MODEL_FILE for what is no ONNX file, INFERENCE_NO_ONNXRUNTIME where it is not installed
 */
export async function openOnnxSession(
  bytes: Uint8Array,
  { intraOpNumThreads = 1, giveAway = false }: OnnxSessionOptions = {},
): Promise<OnnxSession> {
  const model = bytes as Uint8Array<ArrayBuffer>;
  const movable = giveAway && isWhole(model) ? [model.buffer] : [];
  const workerData: SessionThreadData = {
    cacheDirectory: getCompileCacheDir(),
    // A view of a part of a larger buffer would take all of that with it.
    model: isWhole(model) ? model : Uint8Array.from(model),
    threads: intraOpNumThreads,
  };
  const worker = new Worker(siblingModule(import.meta.url, "onnx-thread"), {
    workerData,
    transferList: movable,
  });
  const session = new ThreadSession(worker);
  return await session.opened;
}

function isWhole({ buffer, byteLength }: Uint8Array): boolean {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
}

interface OpenCall {
  readonly resolve: (outputs: Readonly<Record<string, OnnxTensor>>) => void;
  readonly reject: (error: unknown) => void;
}

class ThreadSession implements OnnxSession {
  readonly opened: Promise<OnnxSession>;
  readonly #worker: Worker;
  readonly #calls = new Map<number, OpenCall>();
  #description: SessionDescription = { inputs: [], outputs: [], branches: false };
  #nextId = 0;
  #ended: SlipwayError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.opened = new Promise((resolve, reject) => {
      const fail = (error: SlipwayError): void => {
        this.#end(error);
        reject(error);
        void worker.terminate();
      };
      worker.on("error", (cause) => fail(threadEnded(cause)));
      worker.on("messageerror", (cause) => fail(threadEnded(cause)));
      worker.on("exit", () => fail(threadEnded(undefined)));
      worker.on("message", (message: SessionMessage) => {
        if ("opened" in message) {
          this.#description = message.opened;
          worker.unref();
          resolve(this);
        } else if ("refused" in message) fail(deserializeError(message.refused));
        else this.#answered(message);
      });
    });
  }

  get inputs(): readonly TensorDeclaration[] {
    return this.#description.inputs;
  }

  get outputs(): readonly TensorDeclaration[] {
    return this.#description.outputs;
  }

  get branches(): boolean {
    return this.#description.branches;
  }

  run(
    inputs: Readonly<Record<string, OnnxTensor>>,
    options: { readonly outputs?: readonly string[]; readonly giveAway?: boolean } = {},
  ): Promise<Readonly<Record<string, OnnxTensor>>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const outputs = options.outputs ?? this.outputs.map(({ name }) => name);
    const call: SessionCall = { id: this.#nextId++, inputs, outputs };
    return new Promise((resolve, reject) => {
      this.#worker.postMessage(call, options.giveAway === true ? buffersOf(inputs) : []);
      if (this.#calls.size === 0) this.#worker.ref();
      this.#calls.set(call.id, { resolve, reject });
    });
  }

  async close(): Promise<void> {
    this.#end(inferenceErrors.INFERENCE_SESSION_CLOSED.error("the model's session has been closed"));
    await this.#worker.terminate();
  }

  #answered(message: Extract<SessionMessage, { id: number }>): void {
    const call = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if (this.#calls.size === 0) this.#worker.unref();
    if ("failed" in message) call?.reject(deserializeError(message.failed));
    else call?.resolve(message.outputs);
  }

  #end(error: SlipwayError): void {
    this.#ended ??= error;
    for (const { reject } of this.#calls.values()) reject(this.#ended);
    this.#calls.clear();
  }
}

function threadEnded(cause: unknown): SlipwayError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return inferenceErrors.INFERENCE_SESSION_ENDED.error(
    `the thread that runs the model has ended${reason}`,
    cause === undefined ? {} : { cause },
  );
}

function buffersOf(inputs: Readonly<Record<string, OnnxTensor>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const tensor of Object.values(inputs))
    if (tensor.type !== "string" && tensor.data.buffer instanceof ArrayBuffer)
      buffers.add(tensor.data.buffer);
  return Array.from(buffers);
}
