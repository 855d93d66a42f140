import { describe, expect, it, onTestFinished } from "vitest";
import { defineErrors, SlipwayError } from "../../kernel/index.ts";
import type { ControlClient, ControlHandlers, OperationContext, ProgressEvent } from "../../wire/index.ts";

/** Opens a client whose control plane consists of the given handlers; `actor` is who calls. */
export type OpenClient = (given: {
  readonly handlers: ControlHandlers;
  readonly actor: string;
}) => Promise<{ readonly client: ControlClient; close(): Promise<void> }>;

const testErrors = defineErrors({
  TEST_FULL: { kind: "exhausted", doc: "A test's error.", retryable: true },
});

const EVENTS: readonly ProgressEvent[] = [
  { kind: "step", step: "train", state: "running", index: 3, of: 5 },
  { kind: "iteration", iteration: 1, of: 100, metric: "logLoss", train: 0.61, validate: null },
  { kind: "progress", step: "snapshot", done: 10, of: 20, unit: "rows" },
  { kind: "note", text: "„quotes“, \n a line break" },
];

/** What every `ControlClient` does, wherever its control plane runs. */
export function describeControlClient(name: string, open: OpenClient): void {
  describe(`control client: ${name}`, () => {
    const connect = async (handlers: Partial<ControlHandlers>) => {
      const { client, close } = await open({ handlers: { ...refusing(), ...handlers }, actor: "Zoë @ work" });
      onTestFinished(close);
      return client;
    };

    it("answers with what the handler returned", async () => {
      const client = await connect({ "models.list": async () => ({ models: [] }) });
      expect(await client.call("models.list", {})).toEqual({ models: [] });
      expect(client.address).not.toBe("");
    });

    it("gives the handler a checked input with its defaults, and who asks", async () => {
      const seen: unknown[] = [];
      const client = await connect({
        "data.log": async (input, { actor }) => {
          seen.push(input, actor);
          return { snapshots: [] };
        },
      });
      await client.call("data.log", { dataset: "flights" });
      expect(seen).toEqual([{ dataset: "flights", limit: 50 }, "Zoë @ work"]);
    });

    it("refuses an input before the handler sees it, naming the field", async () => {
      const client = await connect({});
      const error = await failureOf(client.call("deploy", { model: "late", version: 0.5 }));
      expect(error).toMatchObject({ code: "WIRE_BAD_INPUT", kind: "invalid" });
      expect(error.message).toContain("version");
      const unknownField = { model: "late", version: 1, forse: true };
      expect((await failureOf(client.call("deploy", unknownField))).message).toContain("forse");
    });

    it("delivers progress in order, before the result", async () => {
      const client = await connect({
        stop: async (_input, { onProgress }) => {
          for (const event of EVENTS) onProgress(event);
          return { stopping: true };
        },
      });
      const seen: ProgressEvent[] = [];
      await client.call("stop", {}, { onProgress: (event) => seen.push(event) });
      expect(seen).toEqual(EVENTS);
    });

    it.each([0, 1])("rebuilds an error with all it says, after %i progress events", async (events) => {
      const details = { file: "a.csv", line: 3, values: ["x", null, 1.5] };
      const client = await connect({
        stop: async (_input, { onProgress }) => {
          for (const event of EVENTS.slice(0, events)) onProgress(event);
          throw testErrors.TEST_FULL.error("the disk is full", { details, hint: "free some space" });
        },
      });
      const error = await failureOf(client.call("stop", {}));
      expect(error.toJSON()).toEqual({
        code: "TEST_FULL",
        kind: "exhausted",
        message: "the disk is full",
        retryable: true,
        details,
        hint: "free some space",
      });
    });

    it("tells the handler when the caller gives up, and the caller why", async () => {
      const started = Promise.withResolvers<OperationContext>();
      const client = await connect({
        stop: (_input, context) => {
          started.resolve(context);
          return new Promise((_resolve, reject) => {
            context.signal.addEventListener("abort", () => reject(new Error("aborted")));
          });
        },
      });
      const controller = new AbortController();
      const call = client.call("stop", {}, { signal: controller.signal });
      const { signal } = await started.promise;
      controller.abort(new Error("enough"));
      await expect(call).rejects.toThrow("enough");
      await expect.poll(() => signal.aborted).toBe(true);
    });
  });
}

async function failureOf(call: Promise<unknown>): Promise<SlipwayError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof SlipwayError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

/** Handlers that fail the test that calls them. */
function refusing(): ControlHandlers {
  return new Proxy({} as ControlHandlers, {
    get: (_target, operation) => () => Promise.reject(new Error(`${String(operation)} was called`)),
  });
}
