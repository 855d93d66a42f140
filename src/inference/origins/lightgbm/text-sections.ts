import { badFile } from "../origin-model.ts";

/** The key=value lines of one part of the file; a key without value stands for itself. */
export type Fields = ReadonlyMap<string, string>;

export interface TextSections {
  readonly header: Fields;
  readonly trees: readonly Fields[];
  /** Labels of categories as pandas had them: one list for each categorical column. */
  readonly pandasCategories: unknown;
}

const bad = (what: string) => badFile("lightgbm", what);
/** Where trees end: newer files say so, older ones go on with the importances. */
const AFTER_TREES = /^(end of trees|feature[_ ]importances:|parameters:)/;
const PANDAS = "pandas_categorical:";

/** @throws INFERENCE_BAD_MODEL_FILE */
export function readSections(bytes: Uint8Array): TextSections {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badFile("lightgbm", "it is not UTF-8 text", cause);
  }
  const header = new Map<string, string>();
  const trees: Map<string, string>[] = [];
  let current = header;
  let pandasCategories: unknown;
  let inTrees = true;
  for (const raw of text.split("\n")) {
    const line = raw.trimEnd();
    if (line === "") continue;
    if (line.startsWith(PANDAS)) pandasCategories = parsePandas(line.slice(PANDAS.length));
    else if (AFTER_TREES.test(line)) inTrees = false;
    else if (inTrees) {
      const equals = line.indexOf("=");
      const key = equals === -1 ? line : line.slice(0, equals);
      if (key === "Tree") {
        current = new Map();
        trees.push(current);
      }
      if (current.has(key)) throw bad(`${place(trees.length)} has two lines "${key.slice(0, 40)}"`);
      current.set(key, equals === -1 ? "" : line.slice(equals + 1));
    }
  }
  return { header, trees, pandasCategories };
}

function place(trees: number): string {
  return trees === 0 ? "its header" : `tree ${trees - 1}`;
}

function parsePandas(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badFile("lightgbm", "its pandas_categorical is not JSON", cause);
  }
}

/** Reads the fields of one part; its name stands in every message. */
export class FieldReader {
  readonly #fields: Fields;
  readonly #where: string;

  constructor(fields: Fields, where: string) {
    this.#fields = fields;
    this.#where = where;
  }

  has(key: string): boolean {
    return this.#fields.has(key);
  }

  text(key: string): string {
    const value = this.#fields.get(key);
    if (value === undefined) throw bad(`${this.#where} has no line "${key}="`);
    return value;
  }

  count(key: string, most: number): number {
    const value = this.text(key).trim();
    if (!/^\d{1,9}$/.test(value) || Number(value) > most)
      throw bad(`${this.#where}: ${key} is "${value.slice(0, 40)}"`);
    return Number(value);
  }

  numbers(key: string, length: number): Float64Array {
    const values = new Float64Array(length);
    for (const [at, text] of this.#list(key, length).entries()) {
      const value = text === "" ? Number.NaN : Number(text);
      if (Number.isNaN(value)) throw bad(`${this.#where}: ${key}[${at}] is "${text.slice(0, 40)}"`);
      values[at] = value;
    }
    return values;
  }

  integers(
    key: string,
    length: number,
    range: { readonly least: number; readonly most: number },
  ): Float64Array {
    const values = this.numbers(key, length);
    const wrong = values.findIndex(
      (value) => !(Number.isInteger(value) && value >= range.least && value <= range.most),
    );
    if (wrong !== -1) throw bad(`${this.#where}: ${key}[${wrong}] is ${values[wrong]}`);
    return values;
  }

  #list(key: string, length: number): string[] {
    const text = this.text(key).trim();
    const parts = text === "" ? [] : text.split(" ");
    if (parts.length !== length)
      throw bad(`${this.#where}: ${key} has ${parts.length} values, ${length} are expected`);
    return parts;
  }
}
