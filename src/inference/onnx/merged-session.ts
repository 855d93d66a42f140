import type { MergePolicy } from "./merge-policy.ts";
import type { OnnxSession } from "./onnx-session.ts";
import { type OnnxTensor, tensorArrays } from "./tensor.ts";

type Tensors = Readonly<Record<string, OnnxTensor>>;
type RunOptions = NonNullable<Parameters<OnnxSession["run"]>[1]>;

/** How often the graph was run, for how many calls, with how many rows. */
export interface RunCounts {
  runs: number;
  calls: number;
  rows: number;
}

interface WaitingCall {
  readonly inputs: Tensors;
  readonly options: RunOptions;
  readonly rows: number;
  /** Calls of the same kind can be run together. */
  readonly kind: string;
  readonly resolve: (outputs: Tensors) => void;
  readonly reject: (error: unknown) => void;
}

export interface MergeOptions {
  /** Most rows of calls that are run together; 1 for never. */
  readonly mostRows: number;
  readonly policy: MergePolicy;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
}

/**
 * A session whose calls come together where they would have to wait: a call is run at once when nothing is being run; what arrives
 * meanwhile is run together afterwards. No call ever waits for another one to arrive. Rows lie along the first axis of every input and
 * output; each call is answered with its own. When calls fail together, each is run for itself, so that only the bad one fails.
 */
export class MergedSession implements OnnxSession {
  readonly counts: RunCounts = { runs: 0, calls: 0, rows: 0 };
  readonly #session: OnnxSession;
  readonly #options: MergeOptions;
  #waiting: WaitingCall[] = [];
  #running = false;

  constructor(session: OnnxSession, options: MergeOptions) {
    this.#session = session;
    this.#options = options;
  }

  get inputs(): OnnxSession["inputs"] {
    return this.#session.inputs;
  }

  get outputs(): OnnxSession["outputs"] {
    return this.#session.outputs;
  }

  get branches(): boolean {
    return this.#session.branches;
  }

  run(inputs: Tensors, options: RunOptions = {}): Promise<Tensors> {
    const given = Object.entries(inputs);
    const kind = JSON.stringify([
      options.outputs,
      given.map(([name, { type, shape }]) => [name, type, shape.slice(1)]),
    ]);
    const rows = given[0]?.[1].shape[0] ?? 0;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ inputs, options, rows, kind, resolve, reject });
      if (!this.#running) void this.#work();
    });
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #work(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const { policy, clock } = this.#options;
      const calls = this.#next();
      const since = clock();
      await this.#answer(calls);
      policy.note(calls.length, clock() - since);
    }
    this.#running = false;
  }

  /** The calls that are run next: the first that waits, and those that fit beside it. */
  #next(): readonly WaitingCall[] {
    const { mostRows, policy } = this.#options;
    const [first, ...others] = this.#waiting as [WaitingCall, ...WaitingCall[]];
    const calls = [first];
    const left: WaitingCall[] = [];
    const merges = others.length > 0 && policy.merges();
    let rows = first.rows;
    for (const call of others) {
      if (merges && call.kind === first.kind && rows + call.rows <= mostRows) {
        calls.push(call);
        rows += call.rows;
      } else left.push(call);
    }
    this.#waiting = left;
    return calls;
  }

  async #answer(calls: readonly WaitingCall[]): Promise<void> {
    if (calls.length === 1) return await this.#answerAlone(calls[0]!);
    const [{ options }] = calls as [WaitingCall];
    const rows = calls.reduce((sum, call) => sum + call.rows, 0);
    let outputs: Tensors;
    try {
      outputs = await this.#session.run(together(calls), { ...options, giveAway: true });
    } catch {
      // Whose fault it is shows when each is run alone; the others are answered.
      for (const call of calls) await this.#answerAlone(call);
      return;
    }
    if (Object.values(outputs).some(({ shape }) => shape[0] !== rows)) {
      for (const call of calls) await this.#answerAlone(call);
      return;
    }
    this.#count(calls.length, rows);
    let start = 0;
    for (const call of calls) {
      call.resolve(rowsOf(outputs, start, call.rows));
      start += call.rows;
    }
  }

  async #answerAlone({ inputs, options, rows, resolve, reject }: WaitingCall): Promise<void> {
    try {
      const outputs = await this.#session.run(inputs, options);
      this.#count(1, rows);
      resolve(outputs);
    } catch (error) {
      reject(error);
    }
  }

  #count(calls: number, rows: number): void {
    this.counts.runs++;
    this.counts.calls += calls;
    this.counts.rows += rows;
  }
}

/** The inputs of calls, one behind the other along the first axis. */
function together(calls: readonly WaitingCall[]): Tensors {
  const [first] = calls as [WaitingCall];
  const rows = calls.reduce((sum, call) => sum + call.rows, 0);
  return Object.fromEntries(
    Object.entries(first.inputs).map(([name, { type, shape }]) => {
      const parts = calls.map((call) => call.inputs[name]!.data);
      const full = [rows, ...shape.slice(1)];
      if (type === "string") return [name, { type, shape: full, data: parts.flat() } as OnnxTensor];
      const data = new tensorArrays[type](parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        data.set(part as never, at);
        at += part.length;
      }
      return [name, { type, shape: full, data } as OnnxTensor];
    }),
  );
}

/** Some rows of outputs. */
export function rowsOf(outputs: Tensors, start: number, rows: number): Tensors {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { type, shape, data }]) => {
      const stride = data.length / shape[0]!;
      const own = data.slice(start * stride, (start + rows) * stride);
      return [name, { type, shape: [rows, ...shape.slice(1)], data: own } as OnnxTensor];
    }),
  );
}
