import { createRandom } from "../../kernel/index.ts";
import { inferenceErrors } from "../errors.ts";
import type { GraphInterface } from "./graph-interface.ts";
import { madeUpInstances } from "./made-up-instances.ts";
import { rowsOf } from "./merged-session.ts";
import type { OnnxSession } from "./onnx-session.ts";
import type { OnnxTensor } from "./tensor.ts";

type Tensors = Readonly<Record<string, OnnxTensor>>;

/** A graph that is slower than this is not looked at further: so long others wait to be loaded. */
const LONGEST_MS = 300;

export interface InvarianceQuestion {
  readonly outputs: readonly string[];
  readonly mostRows: number;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
}

/**
 * Up to how many rows a graph answers each row with the same bits as alone. onnxruntime adds in another order for other numbers of rows, or
 * not, depending on the operator and the processor; so it is tried: rows of every number up to `mostRows`, each compared with the same
 * row alone. What is not tried, for want of time, is not claimed.
 *
 * @returns 1 for a graph that depends on the batch, or cannot answer what was made up
 * @throws INFERENCE_SESSION_*
 */
export async function invariantRows(
  session: OnnxSession,
  graph: Pick<GraphInterface, "inputs" | "batching">,
  { outputs, mostRows, clock }: InvarianceQuestion,
): Promise<number> {
  // What a branch does for other values, no trial shows.
  if (graph.batching !== "rows" || session.branches) return 1;
  const since = clock();
  const all = madeUpInstances(graph, mostRows, createRandom("rows"));
  const run = (rows: number, start = 0) => session.run(rowsOf(all, start, rows), { outputs, giveAway: true });
  const alone: Tensors[] = [];
  try {
    for (let rows = 1; rows <= mostRows; rows++) {
      alone.push(await run(1, rows - 1));
      const answered = await run(rows);
      const same = alone.every((own, row) => isSame(own, answered, { row, rows }));
      if (!same || clock() - since > LONGEST_MS) return Math.max(1, same ? rows : rows - 1);
    }
  } catch (thrown) {
    if (!inferenceErrors.INFERENCE_RUN_FAILED.is(thrown)) throw thrown;
    return Math.max(1, alone.length - 1);
  }
  return mostRows;
}

/** Whether a row of a batch has the bits of the row alone. */
function isSame(
  alone: Tensors,
  answered: Tensors,
  { row, rows }: { readonly row: number; readonly rows: number },
): boolean {
  if (Object.values(answered).some(({ shape }) => shape[0] !== rows)) return false;
  const own = rowsOf(answered, row, 1);
  return Object.entries(alone).every(([name, before]) => {
    const after = own[name];
    if (after === undefined || before.shape.join() !== after.shape.join()) return false;
    return bitsOf(before) === bitsOf(after);
  });
}

function bitsOf(tensor: OnnxTensor): string {
  if (tensor.type === "string") return JSON.stringify(tensor.data);
  const { buffer, byteOffset, byteLength } = tensor.data;
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
