import { log } from "../kernel/index.ts";
import { profileErrors } from "./errors.ts";
import { hashWords } from "./hashing.ts";

const INDEX_BITS = 11;
const REGISTERS = 1 << INDEX_BITS;
const INDEX_SHIFT = 32 - INDEX_BITS;
/** Bias correction for 2,048 registers (Flajolet et al. 2007). */
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);

/**
 * How many different values there were, from their 32-bit hashes: HyperLogLog with 2,048 registers, standard error
 * 2.3 %, counted linearly while small. Order and repetition of values do not matter, so sketches merge exactly.
 */
export class DistinctSketch {
  readonly #registers: Uint8Array;

  constructor(registers: Uint8Array = new Uint8Array(REGISTERS)) {
    this.#registers = registers;
  }

  /** @throws PROFILE_BAD_DOCUMENT */
  static decode(text: string): DistinctSketch {
    const registers = Buffer.from(text, "base64");
    if (registers.length !== REGISTERS) {
      throw profileErrors.PROFILE_BAD_DOCUMENT.error(
        `a distinct sketch has ${registers.length} registers instead of ${REGISTERS}`,
      );
    }
    return new DistinctSketch(Uint8Array.from(registers));
  }

  encode(): string {
    return Buffer.from(this.#registers).toString("base64");
  }

  add(hash: number): void {
    const index = hash >>> INDEX_SHIFT;
    const rank = Math.clz32((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))) + 1;
    if (rank > this.#registers[index]!) this.#registers[index] = rank;
  }

  /** Adds doubles given as pairs of words, those of values `[from, to)`. */
  addDoubles(words: Int32Array, from: number, to: number): void {
    const registers = this.#registers;
    for (let i = from * 2; i < to * 2; i += 2) {
      const hash = hashWords(words[i]!, words[i + 1]!);
      const rank = Math.clz32((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))) + 1;
      if (rank > registers[hash >>> INDEX_SHIFT]!) registers[hash >>> INDEX_SHIFT] = rank;
    }
  }

  merge(other: DistinctSketch): void {
    for (let i = 0; i < REGISTERS; i++) {
      this.#registers[i] = Math.max(this.#registers[i]!, other.#registers[i]!);
    }
  }

  /** A whole number. */
  estimate(): number {
    let sum = 0;
    let empty = 0;
    for (const rank of this.#registers) {
      sum += 1 / (1 << rank);
      if (rank === 0) empty += 1;
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    if (raw <= 2.5 * REGISTERS && empty > 0) return Math.round(REGISTERS * log(REGISTERS / empty));
    const collided = raw / 4_294_967_296;
    return Math.round(collided < 1 / 30 ? raw : -4_294_967_296 * log(1 - Math.min(collided, 0.999)));
  }
}
