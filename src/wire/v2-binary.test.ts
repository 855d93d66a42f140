import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inputRules } from "./prediction-body.ts";
import { encodeDoubles, encodeIntegers, encodeTexts } from "./tensor-bytes.ts";
import { writeV2Tensors } from "./v2-answer.ts";
import { parseV2Infer } from "./v2-request.ts";

const rules = inputRules(
  "late",
  [
    { name: "distance", type: "int", required: true },
    { name: "miles", type: "float", required: true },
    { name: "origin", type: "category", required: true },
  ],
  { maxDepth: 8, refuseUnknownFields: false },
);

interface Part {
  readonly name: string;
  readonly datatype: string;
  readonly bytes: Uint8Array;
}

const parts: readonly Part[] = [
  { name: "distance", datatype: "INT64", bytes: encodeIntegers([70, 71]) },
  { name: "miles", datatype: "FP64", bytes: encodeDoubles([0.5, -1.25]) },
  { name: "origin", datatype: "BYTES", bytes: encodeTexts(["ATL", "ÅBO"]) },
];

function bodyOf(document: object, bytes: readonly Uint8Array[]): { body: Buffer; jsonBytes: number } {
  const json = Buffer.from(JSON.stringify(document));
  return { body: Buffer.concat([json, ...bytes]), jsonBytes: json.length };
}

function request(given: readonly Part[] = parts, more: object = {}) {
  const inputs = given.map(({ name, datatype, bytes }) => ({
    name,
    datatype,
    shape: [2],
    parameters: { binary_data_size: bytes.length },
  }));
  return bodyOf(
    { inputs, ...more },
    given.map(({ bytes }) => bytes),
  );
}

const parse = ({ body, jsonBytes }: { body: Buffer; jsonBytes: number }) =>
  parseV2Infer(body, rules, "late", jsonBytes);

describe("binary tensors", () => {
  it("are the same records as JSON tensors, in any mixture of the two", () => {
    const expected = [
      { distance: 70, miles: 0.5, origin: "ATL" },
      { distance: 71, miles: -1.25, origin: "ÅBO" },
    ];
    expect(parse(request()).records).toEqual(expected);
    const mixed = bodyOf(
      {
        inputs: [
          { name: "distance", datatype: "INT64", shape: [2], data: [70, 71] },
          { name: "miles", datatype: "FP64", shape: [2, 1], parameters: { binary_data_size: 16 } },
          { name: "origin", datatype: "BYTES", shape: [2], data: ["ATL", "ÅBO"] },
        ],
      },
      [encodeDoubles([0.5, -1.25])],
    );
    expect(parse(mixed).records).toEqual(expected);
  });

  it("keep the digits of 64-bit integers: one that a double cannot hold is refused", () => {
    const wide = BigInt64Array.of(70n, 2n ** 53n + 1n);
    const [distance, ...others] = parts as [Part, ...Part[]];
    const given = request([{ ...distance, bytes: new Uint8Array(wide.buffer) }, ...others]);
    expect(() => parse(given)).toThrow(/instance 1: field "distance" is the integer 9007199254740993/);
  });

  it.each<[string, () => { body: Buffer; jsonBytes: number }, RegExp]>([
    [
      "bytes that nobody announces",
      () => ({ ...request(), body: Buffer.concat([request().body, Buffer.alloc(3)]) }),
      /3 bytes behind the JSON belong to no input/,
    ],
    [
      "fewer bytes than announced",
      () => ({ ...request(), body: request().body.subarray(0, -2) }),
      /input "origin" announces 15 bytes; 13 follow/,
    ],
    [
      "data and bytes",
      () =>
        bodyOf(
          {
            inputs: [
              { name: "miles", datatype: "FP64", shape: [1], data: [1], parameters: { binary_data_size: 8 } },
            ],
          },
          [encodeDoubles([1])],
        ),
      /both "data" and a binary_data_size/,
    ],
    [
      "a size that is none",
      () =>
        bodyOf(
          { inputs: [{ name: "miles", datatype: "FP64", shape: [1], parameters: { binary_data_size: -1 } }] },
          [],
        ),
      /no number of bytes/,
    ],
    [
      "a shape that is none",
      () =>
        bodyOf(
          {
            inputs: [
              { name: "miles", datatype: "FP64", shape: [1e9, 1e9], parameters: { binary_data_size: 8 } },
            ],
          },
          [encodeDoubles([1])],
        ),
      /has the shape/,
    ],
    [
      "a datatype that is none",
      () =>
        bodyOf(
          { inputs: [{ name: "miles", datatype: "FP6", shape: [1], parameters: { binary_data_size: 8 } }] },
          [encodeDoubles([1])],
        ),
      /has the datatype "FP6"/,
    ],
  ])("are refused with %s", (_what, given, message) => {
    expect(() => parse(given())).toThrow(message);
  });

  it("never make anything but records or a refusal of whatever bytes follow", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(64), (bytes, size) => {
        const given = bodyOf(
          {
            inputs: [
              { name: "origin", datatype: "BYTES", shape: [2], parameters: { binary_data_size: size } },
            ],
          },
          [bytes],
        );
        try {
          parse(given);
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^WIRE_/);
        }
      }),
    );
  });
});

describe("outputs", () => {
  it("are asked for as bytes all together, or one by one", () => {
    const wanted = (more: object) => [...parse(request(parts, more)).binaryOutputs];
    expect(wanted({})).toEqual([]);
    expect(wanted({ parameters: { binary_data_output: true } })).toEqual(["late"]);
    expect(wanted({ outputs: [{ name: "late", parameters: { binary_data: true } }] })).toEqual(["late"]);
    expect(
      wanted({
        parameters: { binary_data_output: true },
        outputs: [{ name: "late", parameters: { binary_data: false } }],
      }),
    ).toEqual([]);
  });

  it("stand behind the JSON in their order", () => {
    const head = { model: "late", version: 1, id: undefined, predictionId: "p" };
    const { body, jsonBytes } = writeV2Tensors(
      head,
      [
        { name: "score", type: "float", shape: [2], values: [0.5, 3] },
        { name: "label", type: "text", shape: [2], values: ["ja", "nein"] },
        { name: "count", type: "int", shape: [2], values: [1, 2] },
      ],
      new Set(["score", "label"]),
    );
    const bytes = body as Buffer;
    const { outputs } = JSON.parse(bytes.subarray(0, jsonBytes).toString()) as { outputs: object[] };
    expect(outputs).toEqual([
      { name: "score", datatype: "FP64", shape: [2], parameters: { binary_data_size: 16 } },
      { name: "label", datatype: "BYTES", shape: [2], parameters: { binary_data_size: 14 } },
      { name: "count", datatype: "INT64", shape: [2], data: [1, 2] },
    ]);
    expect(bytes.subarray(jsonBytes)).toEqual(
      Buffer.concat([encodeDoubles([0.5, 3]), encodeTexts(["ja", "nein"])]),
    );
  });
});
