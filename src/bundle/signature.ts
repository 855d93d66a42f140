import type { ColumnType } from "../kernel/index.ts";
import { bundleErrors } from "./errors.ts";

/** What the model predicts: the probability of the positive class, a value, or a probability for each class. */
export type Task = "binary" | "regression" | "multiclass";

/** A raw column that a record must or may have to be predicted. */
export interface SignatureInput {
  readonly name: string;
  readonly type: ColumnType;
  /** False when the column may be null. */
  readonly required: boolean;
  /** Of a tensor: its extents, outermost first, −1 where each instance may have its own. A single value has none. */
  readonly shape?: readonly number[];
}

/** A model's interface, as its callers see it. */
export interface Signature {
  readonly inputs: readonly SignatureInput[];
  readonly output: SignatureOutput;
  /** True for a model without a batch axis: its tensors stand for one instance, and go by no other shape. */
  readonly unbatched?: true;
}

/** One of the tensors that an instance is answered with. */
export interface SignatureTensor {
  readonly name: string;
  readonly type: "int" | "float" | "bool" | "text";
  /** As of an input. */
  readonly shape: readonly number[];
}

export interface SignatureOutput {
  readonly name: string;
  readonly task: Task;
  /** Numbers that an instance is answered with, where there is more than one. */
  readonly width?: number;
  /** The names of the classes, in the order of their probabilities; of a binary model the second is the positive one. */
  readonly classes?: readonly string[];
  /** Where the answer is not one number or one list of numbers: the tensors that it consists of. */
  readonly tensors?: readonly SignatureTensor[];
}

/** Numbers that an instance is answered with. */
export function outputWidth({ width }: SignatureOutput): number {
  return width ?? 1;
}

const MOST_OUTPUTS = 10_000;

const TYPES: Readonly<Record<ColumnType, true>> = {
  int: true,
  float: true,
  bool: true,
  timestamp: true,
  category: true,
  text: true,
};

export function isTask(value: unknown): value is Task {
  return value === "binary" || value === "regression" || value === "multiclass";
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks that a value is a signature and names its first fault. @throws BUNDLE_BAD_SIGNATURE */
export function parseSignature(value: unknown): Signature {
  if (!isRecord(value)) throw bad("signature", "is not an object");
  if (!Array.isArray(value.inputs)) throw bad("inputs", "is not a list");
  const names = new Set<string>();
  const inputs = value.inputs.map((input, index) => parseInput(input, { at: `inputs[${index}]`, names }));
  if (!isRecord(value.output)) throw bad("output", "is not an object");
  const output = parseOutput(value.output);
  if (value.unbatched === undefined) return { inputs, output };
  if (value.unbatched !== true) throw bad("unbatched", "is not true");
  return { inputs, output, unbatched: true };
}

function parseOutput(output: Record<string, unknown>): SignatureOutput {
  const { name, task, width, classes, tensors } = output;
  if (typeof name !== "string" || name === "") throw bad("output.name", "is not a name");
  if (!isTask(task)) throw bad("output.task", `is none of "binary", "regression", "multiclass"`);
  if (tensors !== undefined) {
    if (task !== "regression" || width !== undefined || classes !== undefined)
      throw bad("output.tensors", "stand beside a task, width or classes that they cannot have");
    return { name, task, tensors: parseTensors(tensors) };
  }
  if (width === undefined ? task === "multiclass" : task === "binary" || !isWidth(width))
    throw bad("output.width", `is no number of outputs for ${task}`);
  if (classes === undefined) return { name, task, ...(isWidth(width) ? { width } : {}) };
  const expected = task === "binary" ? 2 : width;
  if (task === "regression" || !areClasses(classes) || classes.length !== expected)
    throw bad("output.classes", "is not a list of different names, one for each class");
  return { name, task, ...(isWidth(width) ? { width } : {}), classes };
}

function parseTensors(value: unknown): SignatureTensor[] {
  if (!Array.isArray(value) || value.length === 0) throw bad("output.tensors", "is not a list of tensors");
  return value.map((tensor, index): SignatureTensor => {
    const at = `output.tensors[${index}]`;
    if (!isRecord(tensor)) throw bad(at, "is not an object");
    const { name, type, shape } = tensor;
    if (typeof name !== "string") throw bad(`${at}.name`, "is not a name");
    if (type !== "int" && type !== "float" && type !== "bool" && type !== "text")
      throw bad(`${at}.type`, "is none of int, float, bool, text");
    return { name, type, shape: parseShape(shape, `${at}.shape`) };
  });
}

const MOST_AXES = 32;

function parseShape(value: unknown, at: string): readonly number[] {
  const isExtent = (extent: unknown) => Number.isSafeInteger(extent) && Number(extent) >= -1;
  if (!Array.isArray(value) || value.length > MOST_AXES || !value.every(isExtent))
    throw bad(at, "is not a list of extents");
  return value;
}

function isWidth(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 2 && Number(value) <= MOST_OUTPUTS;
}

function areClasses(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.every((name) => typeof name === "string") &&
    new Set(value).size === value.length
  );
}

function parseInput(input: unknown, { at, names }: { at: string; names: Set<string> }): SignatureInput {
  if (!isRecord(input)) throw bad(at, "is not an object");
  const { name, type, required, shape } = input;
  if (typeof name !== "string" || name === "") throw bad(`${at}.name`, "is not a name");
  if (names.has(name)) throw bad(`${at}.name`, `"${name}" is named twice`);
  names.add(name);
  if (!isColumnType(type)) throw bad(`${at}.type`, `is none of ${Object.keys(TYPES).join(", ")}`);
  if (typeof required !== "boolean") throw bad(`${at}.required`, "is neither true nor false");
  if (shape === undefined) return { name, type, required };
  if (type === "timestamp" || type === "category") throw bad(`${at}.shape`, `is of no use for ${type}`);
  return { name, type, required, shape: parseShape(shape, `${at}.shape`) };
}

function isColumnType(value: unknown): value is ColumnType {
  return typeof value === "string" && Object.hasOwn(TYPES, value);
}

function bad(field: string, fault: string): Error {
  return bundleErrors.BUNDLE_BAD_SIGNATURE.error(`bad signature: ${field} ${fault}`, { details: { field } });
}
