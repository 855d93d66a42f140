import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../kernel/index.ts";
import { type InputColumn, type InputRules, inputRules } from "./prediction-body.ts";
import { v2ModelMetadata, writeV2Response } from "./v2-answer.ts";
import { parseV2Infer } from "./v2-request.ts";

const LIMITS = { maxDepth: 8, refuseUnknownFields: false };
const COLUMNS: readonly InputColumn[] = [
  { name: "date", type: "timestamp", required: true },
  { name: "distance", type: "int", required: true },
  { name: "miles", type: "float", required: true },
  { name: "nonstop", type: "bool", required: true },
  { name: "origin", type: "category", required: true },
  { name: "note", type: "text", required: false },
];
const rules = inputRules("late", COLUMNS, LIMITS);

const tensor = (name: string, datatype: string, data: unknown, shape: unknown = [2]) => ({
  name,
  datatype,
  data,
  shape,
});
const INPUTS = [
  tensor("date", "BYTES", ["2001-06-03", "2001-06-04"]),
  tensor("distance", "INT64", [1, 2]),
  tensor("miles", "FP64", [0.5, 1]),
  tensor("nonstop", "BOOL", [true, false]),
  tensor("origin", "BYTES", ["ATL", "DFW"]),
];

const parse = (body: unknown, with_: InputRules = rules) =>
  parseV2Infer(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), with_, "late");

function refusal(body: unknown, with_?: InputRules): SlipwayError {
  try {
    parse(body, with_);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("the body was accepted");
}

/** The inputs with one of them changed. */
const withInput = (name: string, change: object) => ({
  inputs: INPUTS.map((input) => (input.name === name ? { ...input, ...change } : input)),
});

const RECORDS = [
  { date: "2001-06-03", distance: 1, miles: 0.5, nonstop: true, origin: "ATL", note: null },
  { date: "2001-06-04", distance: 2, miles: 1, nonstop: false, origin: "DFW", note: null },
];

describe("JSON tensors", () => {
  it("become records, one for each place of the first dimension", () => {
    expect(parse({ id: "7", inputs: INPUTS })).toEqual({
      id: "7",
      outputs: undefined,
      binaryOutputs: new Set(),
      isWhole: false,
      records: RECORDS,
      json: undefined,
    });
  });

  it("may be nested, of shape [n, 1], and in any order", () => {
    const inputs = INPUTS.toReversed().map((input) => ({
      ...input,
      shape: [2, 1],
      data: (input.data as unknown[]).map((value) => [value]),
    }));
    expect(parse({ inputs }).records).toEqual(RECORDS);
  });

  it.each([
    ["distance", "INT8"],
    ["distance", "UINT32"],
    ["miles", "FP32"],
    ["miles", "INT64"],
    ["date", "INT64"],
  ])("of %s may have the datatype %s", (name, datatype) => {
    expect(parse(withInput(name, { datatype, data: [3, 4] })).records[1]).toMatchObject({ [name]: 4 });
  });

  it("of columns that may be null can be left out, others not", () => {
    const missing = { inputs: INPUTS.filter(({ name }) => name !== "miles") };
    expect(refusal(missing)).toMatchObject({
      code: "WIRE_BAD_REQUEST",
      message: 'model late: the input "miles" is missing',
      details: { model: "late", field: "miles" },
    });
  });

  it("that the model does not read are ignored, or refused when the server is told to", () => {
    const body = { inputs: [...INPUTS, tensor("extra", "FP16", [1])] };
    expect(parse(body).records).toEqual(RECORDS);
    const strict = inputRules("late", COLUMNS, { ...LIMITS, refuseUnknownFields: true });
    expect(refusal(body, strict).code).toBe("WIRE_UNKNOWN_FIELD");
  });
});

describe("an infer request that is none", () => {
  it.each<[unknown, string, string]>([
    ["", "WIRE_EMPTY_BODY", "empty"],
    ["{", "WIRE_NOT_JSON", "not JSON"],
    [[], "WIRE_BAD_REQUEST", "must be a JSON object"],
    [{}, "WIRE_BAD_REQUEST", '"inputs" must be a list'],
    [{ inputs: [] }, "WIRE_BAD_REQUEST", 'the input "date" is missing'],
    [{ inputs: [3] }, "WIRE_BAD_REQUEST", "inputs[0] must be an object"],
    [{ inputs: [{}] }, "WIRE_BAD_REQUEST", "inputs[0] has no name"],
    [{ id: 7, inputs: INPUTS }, "WIRE_BAD_REQUEST", '"id" must be a string'],
    [{ inputs: [...INPUTS, INPUTS[0]] }, "WIRE_BAD_REQUEST", '"date" stands there twice'],
    [withInput("distance", { datatype: "FP64" }), "WIRE_BAD_REQUEST", "takes INT64"],
    [withInput("distance", { datatype: undefined }), "WIRE_BAD_REQUEST", "datatype undefined"],
    [withInput("distance", { shape: [3] }), "WIRE_BAD_REQUEST", 'has 2 values in "data" and the shape [3]'],
    [withInput("distance", { shape: [2, 2] }), "WIRE_BAD_REQUEST", "[n] or [n, 1]"],
    [withInput("distance", { shape: [] }), "WIRE_BAD_REQUEST", "[n] or [n, 1]"],
    [withInput("distance", { shape: [-1] }), "WIRE_BAD_REQUEST", "[n] or [n, 1]"],
    [withInput("distance", { shape: [1.5] }), "WIRE_BAD_REQUEST", "[n] or [n, 1]"],
    [withInput("distance", { shape: "2" }), "WIRE_BAD_REQUEST", "[n] or [n, 1]"],
    [
      withInput("distance", { shape: [1], data: [1] }),
      "WIRE_BAD_REQUEST",
      '"distance" has 1 values, input "date" has 2',
    ],
    [withInput("distance", { data: "12" }), "WIRE_BAD_REQUEST", 'no list "data"'],
    [withInput("distance", { data: [{}, 1] }), "WIRE_BAD_REQUEST", "must be a single value"],
    [withInput("distance", { data: [[1, 2], 1] }), "WIRE_BAD_REQUEST", "must be a single value"],
    [
      withInput("distance", { parameters: { binary_data_size: 16 } }),
      "WIRE_BAD_REQUEST",
      'both "data" and a binary_data_size',
    ],
    [{ inputs: INPUTS, outputs: [{ name: "x" }] }, "WIRE_BAD_REQUEST", 'has the output "late"'],
    [{ inputs: INPUTS, outputs: {} }, "WIRE_BAD_REQUEST", '"outputs" must be a list'],
    [
      { inputs: INPUTS, outputs: [{ name: "late" }, { name: "late" }] },
      "WIRE_BAD_REQUEST",
      "asked for twice",
    ],
  ])("is refused (%#)", (body, code, message) => {
    const error = refusal(body);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it("is refused in our words, whatever it is", () => {
    const valid = JSON.stringify({ inputs: INPUTS });
    const mutated = fc
      .tuple(fc.nat(valid.length), fc.nat(3), fc.string({ unit: "binary-ascii", maxLength: 3 }))
      .map(([at, removed, inserted]) => valid.slice(0, at) + inserted + valid.slice(at + removed));
    const field = fc.constantFrom("datatype", "shape", "data", "name", "parameters");
    const replaced = fc
      .tuple(fc.nat(INPUTS.length - 1), field, fc.jsonValue({ maxDepth: 2 }))
      .map(([at, key, value]) =>
        JSON.stringify({ inputs: INPUTS.map((input, i) => (i === at ? { ...input, [key]: value } : input)) }),
      );
    fc.assert(
      fc.property(fc.oneof(mutated, replaced, fc.json()), (body) => {
        try {
          expect(parse(body).records.length).toBeGreaterThan(0);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(SlipwayError);
          expect((thrown as SlipwayError).kind).toBe("invalid");
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is refused when an integer would lose digits", () => {
    const body = JSON.stringify(withInput("distance", { data: [1, 0] })).replace(
      '"data":[1,0]',
      '"data":[1,9007199254740993]',
    );
    expect(refusal(body)).toMatchObject({
      code: "WIRE_INEXACT_INTEGER",
      details: { model: "late", instance: 1, field: "distance", got: "9007199254740993" },
    });
    const exact = body.replace("9007199254740993", "9007199254740992");
    expect(parse(exact).records[1]).toMatchObject({ distance: 2 ** 53 });
  });
});

describe("V2 answers", () => {
  it("echo the id and hold one tensor", () => {
    const answer = { model: "late", version: 3, id: 'a"é', predictionId: "01m8", output: "late" };
    expect(JSON.parse(writeV2Response(answer, [1, 0.25]))).toEqual({
      model_name: "late",
      model_version: "3",
      id: 'a"é',
      parameters: { prediction_id: "01m8" },
      outputs: [{ name: "late", datatype: "FP64", shape: [2], data: [1, 0.25] }],
    });
    expect(JSON.parse(writeV2Response({ ...answer, id: undefined }, [1]))).not.toHaveProperty("id");
  });

  it("have two dimensions where a model has several outputs", () => {
    const answer = {
      model: "kinds",
      version: 1,
      id: undefined,
      predictionId: "01m8",
      output: "probabilities",
    };
    expect(JSON.parse(writeV2Response({ ...answer, width: 3 }, [1, 0, 0, 0.5, 0.25, 0.25]))).toMatchObject({
      outputs: [{ name: "probabilities", shape: [2, 3], data: [1, 0, 0, 0.5, 0.25, 0.25] }],
    });
    const model = { name: "kinds", versions: [1], engine: "forest", output: "probabilities", width: 3 };
    expect(v2ModelMetadata(model, rules)).toMatchObject({ outputs: [{ shape: [-1, 3] }] });
  });

  it("describe a model by its raw columns", () => {
    const model = { name: "late", versions: [1, 2], engine: "forest", output: "late" };
    expect(v2ModelMetadata(model, rules)).toMatchObject({
      name: "late",
      versions: ["1", "2"],
      platform: "slipway_forest",
      inputs: [
        { name: "date", datatype: "BYTES", shape: [-1] },
        { name: "distance", datatype: "INT64", shape: [-1] },
        { name: "miles", datatype: "FP64", shape: [-1] },
        { name: "nonstop", datatype: "BOOL", shape: [-1] },
        { name: "origin", datatype: "BYTES", shape: [-1] },
        { name: "note", datatype: "BYTES", shape: [-1] },
      ],
      outputs: [{ name: "late", datatype: "FP64", shape: [-1] }],
    });
  });
});
