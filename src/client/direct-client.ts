import {
  type ControlClient,
  type ControlHandlers,
  type OperationContext,
  parseOperationInput,
} from "../wire/index.ts";

export interface DirectClientOptions {
  readonly handlers: ControlHandlers;
  /** Who calls, for the journal. */
  readonly actor: string;
}

/** A control plane in the same process: the same checks of inputs, no wire between. */
export function createDirectClient({ handlers, actor }: DirectClientOptions): ControlClient {
  return {
    address: "in process",
    async call(
      operation,
      input,
      { onProgress = () => undefined, signal = new AbortController().signal } = {},
    ) {
      signal.throwIfAborted();
      const context: OperationContext = { actor, signal, onProgress };
      try {
        return await handlers[operation](parseOperationInput(operation, input), context);
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      }
    },
  };
}
