import { type FeatureKernel, type LabelColumn, WindowState, windowProgram } from "../features/index.ts";
import type { Table } from "../kernel/index.ts";
import { withDerivedColumns } from "./derived-table.ts";

/** `training`: the rows that the model was trained on come before the file. `file`: nothing does. */
export type FileHistory = "training" | "file";

/** The derived columns of the rows of a file, block by block. */
export interface FilePast {
  /** What is read from the file too where it is there: labels, each of which is known to later rows in its time. */
  readonly labels: readonly (LabelColumn & { readonly required: false })[];
  withColumns(block: Table): Table;
  /** What came before the first row; undefined without windows and before the first block. */
  history(): FileHistory | undefined;
}

/**
 * Takes the rows of a file for a stream, in the order of the file: each row sees those before it. A file that begins after
 * the training data continues it; any other is a stream of its own, because the past of the training data would be the
 * future of its rows.
 *
 * @param seed the windows of the bundle
 */
export function createFilePast(kernel: FeatureKernel, seed: Uint8Array | undefined): FilePast {
  const program = windowProgram(kernel);
  if (program === undefined) return { labels: [], withColumns: (block) => block, history: () => undefined };
  let state: WindowState | undefined;
  let history: FileHistory | undefined;
  const begin = (block: Table): WindowState => {
    const kept = seed === undefined ? undefined : WindowState.fromBytes(program, seed);
    const times = block.columns.get(program.time);
    const first = times?.kind === "number" ? times.values.find((time) => !Number.isNaN(time)) : undefined;
    history = kept !== undefined && first !== undefined && first > kept.coveredMs ? "training" : "file";
    return history === "training" && kept !== undefined ? kept : new WindowState(program);
  };
  return {
    labels: program.labels.map((label) => ({ ...label, required: false })),
    withColumns: (block) => {
      state ??= begin(block);
      return withDerivedColumns(kernel, block, { state, order: "as given", labels: "optional" }).table;
    },
    history: () => history,
  };
}
