import type { SerializedError } from "../../kernel/index.ts";
import type { OnnxTensor, TensorDeclaration } from "./tensor.ts";

/** What the thread of a session is started with. */
export interface SessionThreadData {
  /** Where this process keeps compiled code, if it does. */
  readonly cacheDirectory: string | undefined;
  readonly model: Uint8Array;
  readonly threads: number;
}

export interface SessionDescription {
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  /** Whether what it computes may depend on values otherwise than by arithmetic: it has If, Loop, Scan or functions of its own. */
  readonly branches: boolean;
}

/** One call of the graph. */
export interface SessionCall {
  readonly id: number;
  readonly inputs: Readonly<Record<string, OnnxTensor>>;
  readonly outputs: readonly string[];
}

/** What the thread sends: once what it has loaded, then an answer for each call. */
export type SessionMessage =
  | { readonly opened: SessionDescription }
  | { readonly refused: SerializedError }
  | { readonly id: number; readonly outputs: Readonly<Record<string, OnnxTensor>> }
  | { readonly id: number; readonly failed: SerializedError };
