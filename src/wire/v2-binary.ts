import { badRequest, type InputRules, isObject } from "./prediction-body.ts";
import { decodeTensor, isTensorType } from "./tensor-bytes.ts";

/** The binary tensor extension of the Open Inference Protocol V2: tensors as bytes behind the JSON of a body. */

/**
 * Puts the data of binary inputs where the JSON ones have theirs.
 *
 * @param bytes what follows the JSON
 * @throws WIRE_BAD_REQUEST, WIRE_BAD_TENSOR when the bytes are not those that the inputs announce
 */
export function withBinaryData(
  inputs: unknown,
  bytes: Buffer,
  rules: InputRules,
): { readonly inputs: unknown; readonly isBinary: boolean } {
  if (!Array.isArray(inputs) || (bytes.length === 0 && !inputs.some(announcesBytes)))
    return { inputs, isBinary: false };
  let at = 0;
  const filled = inputs.map((input: unknown, index) => {
    if (!announcesBytes(input)) return input;
    const { name, datatype, shape, parameters } = input;
    const field = typeof name === "string" ? name.slice(0, 200) : `inputs[${index}]`;
    const bad = (problem: string) => badRequest(`input "${field}" ${problem}`, rules, { field });
    const size = parameters.binary_data_size;
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
      throw bad("has a binary_data_size that is no number of bytes");
    if ("data" in input) throw bad('has both "data" and a binary_data_size');
    if (at + size > bytes.length) throw bad(`announces ${size} bytes; ${bytes.length - at} follow`);
    if (!isTensorType(datatype)) throw bad(`has the datatype ${JSON.stringify(datatype) ?? "undefined"}`);
    const count = countOf(shape);
    if (count === undefined) throw bad(`has the shape ${JSON.stringify(shape) ?? "undefined"}`);
    const own = bytes.subarray(at, at + size);
    at += size;
    return { ...input, data: decodeTensor({ name: field, type: datatype, count }, own) };
  });
  if (at < bytes.length)
    throw badRequest(`${bytes.length - at} bytes behind the JSON belong to no input`, rules, {
      field: "inputs",
    });
  return { inputs: filled, isBinary: true };
}

interface BinaryInput {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly shape?: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
}

function announcesBytes(input: unknown): input is BinaryInput {
  return isObject(input) && isObject(input.parameters) && Object.hasOwn(input.parameters, "binary_data_size");
}

function countOf(shape: unknown): number | undefined {
  if (!Array.isArray(shape)) return undefined;
  let count = 1;
  for (const extent of shape as readonly unknown[]) {
    if (typeof extent !== "number" || !Number.isSafeInteger(extent) || extent < 0) return undefined;
    count *= extent;
  }
  return Number.isSafeInteger(count) ? count : undefined;
}

/** Which outputs a request wants as bytes: what an output says of itself wins over what is said of all. */
export function binaryOutputs(
  document: Readonly<Record<string, unknown>>,
  names: string | readonly string[],
): ReadonlySet<string> {
  const { parameters, outputs } = document;
  const all = isObject(parameters) && parameters.binary_data_output === true;
  if (!all && outputs === undefined) return NONE;
  const wanted = new Set(all ? (typeof names === "string" ? [names] : names) : []);
  for (const output of Array.isArray(outputs) ? (outputs as readonly unknown[]) : []) {
    if (!isObject(output) || typeof output.name !== "string" || !isObject(output.parameters)) continue;
    if (output.parameters.binary_data === true) wanted.add(output.name);
    else if (output.parameters.binary_data === false) wanted.delete(output.name);
  }
  return wanted;
}

const NONE: ReadonlySet<string> = new Set();
