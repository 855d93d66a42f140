import type { Closable } from "./serving-table.ts";

/**
 * Who still needs a model that has to be closed. One that nothing names any more is closed when the last request has let go of it
 * that found it before: at once where there is none.
 */
export class ModelHolds {
  readonly #holds = new Map<Closable, number>();
  readonly #retired = new Set<Closable>();
  readonly #closing = new Set<Promise<void>>();

  /** Keeps a model open until the function that this gives is called; calling it again changes nothing. */
  hold(model: Closable): () => void {
    this.#holds.set(model, (this.#holds.get(model) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#release(model);
    };
  }

  /** Closes a model as soon as nobody holds it. */
  retire(model: Closable): void {
    if (this.#holds.has(model)) this.#retired.add(model);
    else this.#close(model);
  }

  /** How many are still open although nothing names them. */
  get retired(): number {
    return this.#retired.size;
  }

  /** Closes those that were to be closed later, and waits for all. */
  async close(): Promise<void> {
    for (const model of this.#retired) this.#close(model);
    await Promise.all(this.#closing);
  }

  #release(model: Closable): void {
    const left = this.#holds.get(model)! - 1;
    if (left > 0) {
      this.#holds.set(model, left);
      return;
    }
    this.#holds.delete(model);
    if (this.#retired.has(model)) this.#close(model);
  }

  #close(model: Closable): void {
    this.#retired.delete(model);
    const closed = model.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
