import type { PredictionId } from "../serving/index.ts";

const PAGE_BITS = 15;
const PAGE_WORDS = (1 << PAGE_BITS) / 32;

/**
 * Remembers of which predictions a label of which name is in the stream, so that none gets there twice: a bit for each
 * prediction about which anything was said, an entry for each instance after the first one.
 */
export class LabelMemory {
  /** By worker and name, in pages of 32,768 sequence numbers. */
  readonly #first = new Map<string, Map<number, Uint32Array>>();
  readonly #others = new Map<string, Map<number, Set<number>>>();

  /** False when it was there already. */
  add(id: PredictionId, name: string): boolean {
    const log = `${id.incarnationTail} ${name}`;
    const instance = id.instance ?? 0;
    return instance === 0 ? this.#addFirst(log, id.sequence) : this.#addOther(log, id.sequence, instance);
  }

  #addFirst(log: string, sequence: number): boolean {
    const page = Math.floor(sequence / (1 << PAGE_BITS));
    const words = entry(
      entry(this.#first, log, () => new Map<number, Uint32Array>()),
      page,
      () => new Uint32Array(PAGE_WORDS),
    );
    const bit = sequence % (1 << PAGE_BITS);
    const mask = (1 << (bit & 31)) >>> 0;
    if ((words[bit >> 5]! & mask) !== 0) return false;
    words[bit >> 5]! |= mask;
    return true;
  }

  #addOther(log: string, sequence: number, instance: number): boolean {
    const instances = entry(
      entry(this.#others, log, () => new Map<number, Set<number>>()),
      sequence,
      () => new Set<number>(),
    );
    if (instances.has(instance)) return false;
    instances.add(instance);
    return true;
  }
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
