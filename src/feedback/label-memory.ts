import type { PredictionId } from "../serving/index.ts";

const PAGE = 32_768;

/**
 * Remembers of which predictions a label of which name is in the stream, so that none gets there twice: a bit for each
 * prediction about which anything was said, an entry for each instance after the first one.
 */
export class LabelMemory {
  /** By worker, then by name. */
  readonly #workers = new Map<string, Map<string, Labelled>>();

  /** How many names there are of labels of predictions by the same worker. */
  nameCount({ incarnationTail }: PredictionId): number {
    return this.#workers.get(incarnationTail)?.size ?? 0;
  }

  /** Remembers a label and answers the names that were there before; undefined when it was there itself. */
  add(id: PredictionId, name: string): readonly string[] | undefined {
    const names = entry(this.#workers, id.incarnationTail, () => new Map<string, Labelled>());
    const instance = id.instance ?? 0;
    const labelled = entry(names, name, () => new Labelled());
    if (!labelled.add(id.sequence, instance)) return undefined;
    return [...names]
      .filter(([other, of]) => other !== name && of.has(id.sequence, instance))
      .map(([other]) => other);
  }
}

/** The predictions of one worker that have a label of one name. */
class Labelled {
  /** In pages of 32,768 sequence numbers. */
  readonly #first = new Map<number, Uint32Array>();
  readonly #others = new Map<number, Set<number>>();

  has(sequence: number, instance: number): boolean {
    if (instance > 0) return this.#others.get(sequence)?.has(instance) === true;
    const words = this.#first.get(Math.floor(sequence / PAGE));
    return words !== undefined && (words[(sequence % PAGE) >> 5]! & maskOf(sequence)) !== 0;
  }

  /** False when it was there already. */
  add(sequence: number, instance: number): boolean {
    if (this.has(sequence, instance)) return false;
    if (instance > 0) entry(this.#others, sequence, () => new Set<number>()).add(instance);
    else {
      const words = entry(this.#first, Math.floor(sequence / PAGE), () => new Uint32Array(PAGE / 32));
      words[(sequence % PAGE) >> 5]! |= maskOf(sequence);
    }
    return true;
  }
}

function maskOf(sequence: number): number {
  return (1 << (sequence & 31)) >>> 0;
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
