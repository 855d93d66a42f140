import { monotonicMs } from "../../kernel/index.ts";
import type { GraphInterface } from "./graph-interface.ts";
import { warmSession } from "./made-up-instances.ts";
import { MergePolicy } from "./merge-policy.ts";
import { MergedSession, type RunCounts } from "./merged-session.ts";
import type { OnnxSession } from "./onnx-session.ts";
import { invariantRows } from "./row-invariance.ts";

export interface WarmOptions {
  /** Most rows of calls that are run together where their answers have the same bits as alone; 1 for never. */
  readonly mergedRows: number;
}

export interface WarmedSession {
  readonly session: OnnxSession;
  /** Of a session whose calls may come together. */
  readonly counts: RunCounts | undefined;
}

/** Warms a session, and finds out whether its calls may be run together. @throws INFERENCE_SESSION_* */
export async function warmedSession(
  session: OnnxSession,
  graph: Pick<GraphInterface, "inputs" | "batching">,
  { outputs, mergedRows }: WarmOptions & { readonly outputs: readonly string[] },
): Promise<WarmedSession> {
  await warmSession(session, graph);
  const mostRows =
    mergedRows > 1
      ? await invariantRows(session, graph, { outputs, mostRows: mergedRows, clock: monotonicMs })
      : 1;
  if (mostRows === 1) return { session, counts: undefined };
  const merged = new MergedSession(session, { mostRows, policy: new MergePolicy(), clock: monotonicMs });
  return { session: merged, counts: merged.counts };
}
