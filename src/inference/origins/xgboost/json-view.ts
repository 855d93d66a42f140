import { badFile, type OriginFormat } from "../origin-model.ts";

/** A value inside a model file together with the way to it, for messages. */
export class JsonView {
  readonly value: unknown;
  readonly path: string;
  readonly #format: OriginFormat;

  constructor(value: unknown, path: string, format: OriginFormat) {
    this.value = value;
    this.path = path;
    this.#format = format;
  }

  has(key: string): boolean {
    const { value } = this;
    return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
  }

  get(key: string): JsonView {
    if (!this.has(key)) throw this.bad(`has no member "${key}"`);
    const members = this.value as Readonly<Record<string, unknown>>;
    return new JsonView(members[key], `${this.path}.${key}`, this.#format);
  }

  items(): JsonView[] {
    if (Array.isArray(this.value)) {
      return this.value.map((item: unknown, at) => new JsonView(item, `${this.path}[${at}]`, this.#format));
    }
    // An empty list of a strongly typed file is a typed array whatever it was meant to hold.
    if (ArrayBuffer.isView(this.value) && this.numbers().length === 0) return [];
    throw this.bad("is not a list");
  }

  text(): string {
    if (typeof this.value !== "string") throw this.bad("is not a text");
    return this.value;
  }

  /** A list of numbers; flags count as 0 and 1. */
  numbers(length?: number): ArrayLike<number> {
    const { value } = this;
    const list = isNumberList(value) ? value : this.#numbersOf(value);
    if (length !== undefined && list.length !== length)
      throw this.bad(`has ${list.length} values, ${length} are expected`);
    return list;
  }

  integers(range: {
    readonly length?: number;
    readonly least: number;
    readonly most: number;
  }): ArrayLike<number> {
    const list = this.numbers(range.length);
    for (let i = 0; i < list.length; i++) {
      const item = list[i]!;
      if (!(Number.isInteger(item) && item >= range.least && item <= range.most))
        throw this.bad(`holds ${item} at place ${i}`);
    }
    return list;
  }

  /** A whole number, which parameters spell as a text. */
  count(most: number): number {
    const { value } = this;
    const number = typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= most)
      return number;
    throw this.bad(`is ${String(value).slice(0, 40)}`);
  }

  bad(fault: string): Error {
    return badFile(this.#format, `${this.path} ${fault}`);
  }

  #numbersOf(value: unknown): ArrayLike<number> {
    if (!Array.isArray(value)) throw this.bad("is not a list of numbers");
    return value.map((item: unknown, at) => {
      const number = typeof item === "boolean" ? Number(item) : item;
      if (typeof number !== "number") throw this.bad(`is no number at place ${at}`);
      return number;
    });
  }
}

function isNumberList(value: unknown): value is ArrayLike<number> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}
