import { ProtoMessage } from "../origins/onnx/protobuf.ts";

const MOST_OPERATORS = 8;

/** What an ONNX file says of itself, for its lineage. */
export interface GraphSummary {
  /** The program that wrote it. */
  readonly producer: string;
  /** `graph of 12 operators: 3 Add, 2 Conv, …` */
  readonly objective: string;
}

/** @throws INFERENCE_BAD_MODEL_FILE */
export function summariseGraph(bytes: Uint8Array): GraphSummary {
  const model = new ProtoMessage(bytes, "the model");
  const nodes = model.message(7, "the graph")?.messages(1, "a node") ?? [];
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(node.text(4), (counts.get(node.text(4)) ?? 0) + 1);
  const sorted = Array.from(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const shown = sorted.slice(0, MOST_OPERATORS).map(([op, count]) => (count === 1 ? op : `${count} ${op}`));
  if (sorted.length > MOST_OPERATORS) shown.push("…");
  return {
    producer: [model.text(2), model.text(3)].filter((part) => part !== "").join(" ") || "ONNX",
    objective: `graph of ${nodes.length} operator${nodes.length === 1 ? "" : "s"}: ${shown.join(", ")}`,
  };
}
