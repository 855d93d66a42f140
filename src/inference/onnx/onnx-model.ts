import type { RecordModel } from "../record-model.ts";
import { type GraphInterface, interfaceOf, signatureOf } from "./graph-interface.ts";
import { type OnnxSession, type OnnxSessionOptions, openOnnxSession } from "./onnx-session.ts";
import { type CallResult, readAnswers, wantedOutputs } from "./read-answers.ts";
import { type OnnxTensor, type TensorDeclaration, tensorArrays, tensorSize } from "./tensor.ts";
import { type WarmedSession, warmedSession } from "./warmed-session.ts";
import { writeInstances } from "./write-instances.ts";

/**
 * Opens an ONNX graph whose own inputs and outputs are what it takes and answers.
 *
 * @throws what `openOnnxSession` throws, and INFERENCE_UNSUPPORTED_MODEL for a graph without inputs or outputs
 */
export async function openOnnxModel(
  bytes: Uint8Array,
  options: OnnxSessionOptions = {},
): Promise<RecordModel> {
  const session = await openOnnxSession(bytes, options);
  try {
    const graph = interfaceOf({ inputs: session.inputs, outputs: await knownOutputs(session) });
    let asked: WarmedSession = { session, counts: undefined };
    return {
      signature: signatureOf(graph),
      predict: createPredict(() => asked.session, graph),
      warm: async (wanted) => {
        asked = await warmedSession(session, graph, { ...wanted, outputs: wantedOutputs(graph) });
      },
      runCounts: () => asked.counts,
      close: () => session.close(),
    };
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

function createPredict(session: () => OnnxSession, graph: GraphInterface): RecordModel["predict"] {
  const outputs = wantedOutputs(graph);
  return async (records, onWrong) => {
    const calls = writeInstances(graph, records, onWrong);
    const results = await Promise.all(
      calls.map(
        async ({ instances, inputs }): Promise<CallResult> => ({
          instances,
          outputs: await session().run(inputs, { outputs, giveAway: true }),
        }),
      ),
    );
    return readAnswers(graph, results);
  };
}

/**
 * The outputs, with shapes also where the file has none: a graph that takes any number of rows is asked with two of zeros.
 */
async function knownOutputs(session: OnnxSession): Promise<readonly TensorDeclaration[]> {
  const { inputs, outputs } = session;
  const isOpen = ({ shape, classes }: TensorDeclaration) => shape.length === 0 && classes === undefined;
  if (!outputs.some(isOpen) || !inputs.every(({ shape }) => shape.length > 0 && shape[0] === undefined))
    return outputs;
  const zeros = Object.fromEntries(inputs.map((input) => [input.name, zerosOf(input)]));
  const answered = await session.run(zeros);
  return outputs.map((output) => {
    const shape = answered[output.name]?.shape ?? [];
    if (!isOpen(output) || shape[0] !== ROWS) return output;
    return { ...output, shape: [undefined, ...shape.slice(1)] };
  });
}

const ROWS = 2;

function zerosOf({ type, shape }: TensorDeclaration): OnnxTensor {
  const full = [ROWS, ...shape.slice(1).map((extent) => extent ?? 1)];
  const size = tensorSize(full);
  if (type === "string") return { type, shape: full, data: new Array<string>(size).fill("") };
  return { type, shape: full, data: new tensorArrays[type](size) } as OnnxTensor;
}
