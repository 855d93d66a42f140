import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../kernel/index.ts";
import { type InputColumn, type InputRules, inputRules } from "./prediction-body.ts";
import { parseV1Predict, v1Metadata, v1Status, writeV1Predictions } from "./v1.ts";

const LIMITS = { maxDepth: 8, refuseUnknownFields: false };
const COLUMNS: readonly InputColumn[] = [
  { name: "distance", type: "int", required: true },
  { name: "origin", type: "category", required: true },
  { name: "note", type: "text", required: false },
];
const flights = inputRules("late", COLUMNS, LIMITS);
const distanceOnly = inputRules("late", [{ name: "distance", type: "int", required: true }], LIMITS);
const strict = inputRules("late", COLUMNS, { ...LIMITS, refuseUnknownFields: true });

const parse = (body: string | Buffer, rules: InputRules = flights) =>
  parseV1Predict(Buffer.from(body), rules);
const recordsOf = (body: unknown, rules?: InputRules) =>
  parse(typeof body === "string" ? body : JSON.stringify(body), rules).records;

function refusal(body: string | Buffer | object, rules?: InputRules): SlipwayError {
  try {
    parse(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body), rules);
  } catch (thrown) {
    if (thrown instanceof SlipwayError) return thrown;
    throw thrown;
  }
  throw new Error("the body was accepted");
}

describe("row instances", () => {
  const record = { distance: 1, origin: "ATL", note: null };

  it("are objects of raw columns, with fields that the model does not read", () => {
    expect(recordsOf({ instances: [record, { ...record, extra: [1] }] })).toEqual([
      record,
      { ...record, extra: [1] },
    ]);
  });

  it.each([`{"instances":[${JSON.stringify(record)}]}`, `{"instances": [${JSON.stringify(record)}]}`])(
    "give their own bytes for the log when the body holds nothing else: %s",
    (body) => {
      const { json, records, form } = parse(body);
      expect(form).toBe("row");
      expect(JSON.parse(Buffer.from(json!).toString())).toEqual(records);
      expect(body).toContain(Buffer.from(json!).toString());
    },
  );

  it("are the same whichever way the body is written", () => {
    const values = fc.oneof(fc.integer(), fc.string({ unit: "binary" }), fc.boolean(), fc.constant(null));
    const anyRecord = fc.dictionary(fc.string(), values, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 3 }), (instances) => {
        const compact = parse(JSON.stringify({ instances }));
        const spaced = parse(JSON.stringify({ instances }, null, 2));
        const among = parse(JSON.stringify({ instances, signature_name: "serving_default" }));
        expect(spaced.records).toEqual(compact.records);
        expect(among.records).toEqual(compact.records);
        expect(compact.json).toBeDefined();
        expect(JSON.parse(Buffer.from(compact.json!).toString())).toEqual(compact.records);
      }),
      { numRuns: 30 },
    );
  });

  it("may be bare values, or lists of one, when the model reads one column", () => {
    const expected = [{ distance: 1 }, { distance: 2 }];
    expect(recordsOf({ instances: [1, 2] }, distanceOnly)).toEqual(expected);
    expect(recordsOf({ instances: [[1], [2]] }, distanceOnly)).toEqual(expected);
    expect(recordsOf({ instances: [{ distance: 1 }, { distance: 2 }] }, distanceOnly)).toEqual(expected);
    expect(refusal({ instances: [{ distance: 1 }, 2] }, distanceOnly).message).toContain("cannot be mixed");
    expect(refusal({ instances: [[1, 2]] }, distanceOnly).message).toContain("must be a single value");
  });

  it("cannot be hidden by a second list of the same name", () => {
    expect(recordsOf(`{"instances":[{"distance":1}],"instances":[{"distance":2}]}`)).toEqual([
      { distance: 2 },
    ]);
  });

  it("do not reach a prototype", () => {
    const [hostile] = recordsOf(`{"instances":[{"__proto__":{"polluted":1},"constructor":1,"distance":3}]}`);
    expect(Object.getPrototypeOf(hostile)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    const rules = inputRules("late", [{ name: "__proto__", type: "float", required: true }], LIMITS);
    const [column] = recordsOf({ instances: [7] }, rules);
    expect(Object.getPrototypeOf(column)).toBe(Object.prototype);
    expect(Object.entries(column!)).toEqual([["__proto__", 7]]);
  });
});

describe("columnar inputs", () => {
  it("are lists of equal length, one for each column, flat or [n, 1]", () => {
    const { form, records } = parse(
      JSON.stringify({ inputs: { distance: [1, 2], origin: [["ATL"], ["DFW"]], other: [5] } }),
    );
    expect(form).toBe("columnar");
    expect(records).toEqual([
      { distance: 1, origin: "ATL", note: null },
      { distance: 2, origin: "DFW", note: null },
    ]);
  });

  it("may be bare values for one instance, and a bare list for a model of one column", () => {
    expect(recordsOf({ inputs: { distance: 1, origin: "ATL" } })).toHaveLength(1);
    expect(recordsOf({ inputs: [4, 5] }, distanceOnly)).toEqual([{ distance: 4 }, { distance: 5 }]);
  });

  it.each([
    [{ distance: [1, 2], origin: ["ATL"] }, '"origin" has 1 values, the inputs before it have 2'],
    [{ distance: [1] }, 'lacks the input "origin"'],
    [{ distance: [], origin: [] }, "holds no values"],
    [{ distance: { a: 1 }, origin: ["A"] }, "not an object"],
    [{ distance: [[1, 2]], origin: ["A"] }, "must be a single value"],
    [[1, 2], "a list for each of distance, origin, note"],
  ])("are refused: %j", (inputs, message) => {
    const error = refusal({ inputs });
    expect(error.code).toBe("WIRE_BAD_REQUEST");
    expect(error.message).toContain(message);
    expect(error.message).toContain("model late");
  });
});

describe("a body that is no request", () => {
  it.each<[string | Buffer, string]>([
    ["", "WIRE_EMPTY_BODY"],
    [" ", "WIRE_NOT_JSON"],
    ["hello", "WIRE_NOT_JSON"],
    ['{"instances":[{"distance":1}]', "WIRE_NOT_JSON"],
    ['{"instances":[{"distance":NaN}]}', "WIRE_NOT_JSON"],
    ['{"instances":[{"distance":1}]} trailing', "WIRE_NOT_JSON"],
    ["{'instances':[]}", "WIRE_NOT_JSON"],
    [Buffer.from([0x7b, 0xff, 0x7d]), "WIRE_NOT_JSON"],
    [Buffer.from('{"instances":[{"distance":1}]}', "utf16le"), "WIRE_NOT_JSON"],
    ["null", "WIRE_BAD_REQUEST"],
    ["[]", "WIRE_BAD_REQUEST"],
    ["3", "WIRE_BAD_REQUEST"],
    ["{}", "WIRE_BAD_REQUEST"],
    ['{"instances":[],"inputs":{}}', "WIRE_BAD_REQUEST"],
    ['{"instances":[]}', "WIRE_BAD_REQUEST"],
    ['{"instances":{}}', "WIRE_BAD_REQUEST"],
    ['{"instances":"x"}', "WIRE_BAD_REQUEST"],
    ['{"instances":[1]}', "WIRE_BAD_REQUEST"],
    ['{"instances":[null]}', "WIRE_BAD_REQUEST"],
    ['{"instances":[[1,2]]}', "WIRE_BAD_REQUEST"],
    ['{"instances":[{"distance":1}],"signature_name":"other"}', "WIRE_BAD_REQUEST"],
    ['{"instances":[{"distance":1}],"signature_name":7}', "WIRE_BAD_REQUEST"],
    [`{"instances":[${"[".repeat(9)}${"]".repeat(9)}]}`, "WIRE_TOO_DEEP"],
    [`{"x":${'{"a":'.repeat(9)}1${"}".repeat(9)},"instances":[]}`, "WIRE_TOO_DEEP"],
  ])("%s is refused with %s", (body, code) => {
    expect(refusal(body).code).toBe(code);
  });

  it("is refused quickly when it nests a million levels deep", () => {
    const depth = 1_000_000;
    const body = `{"instances":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const startedAt = performance.now();
    expect(refusal(body).code).toBe("WIRE_TOO_DEEP");
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it("may have many brackets in strings and side by side", () => {
    const note = '[[[[[[[[[{{{{{{"\\';
    const instances = Array.from({ length: 100 }, () => ({ distance: 1, origin: "A", note }));
    expect(recordsOf({ instances })).toEqual(instances);
  });

  it("is refused in our words, whatever it is", () => {
    const valid = JSON.stringify({ instances: [{ distance: 1, origin: "A" }], inputs: { distance: [1] } });
    const mutated = fc
      .tuple(fc.nat(valid.length), fc.nat(3), fc.string({ unit: "binary-ascii", maxLength: 3 }))
      .map(([at, removed, inserted]) => valid.slice(0, at) + inserted + valid.slice(at + removed));
    const document = fc.json({ maxDepth: 4 }).map((value) => `{"instances":${value}}`);
    const columns = fc.json({ maxDepth: 4 }).map((value) => `{"inputs":${value}}`);
    fc.assert(
      fc.property(fc.oneof(mutated, document, columns, fc.json(), fc.string()), (body) => {
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

  it("tells who writes NaN what to write", () => {
    expect(refusal('{"instances":[{"distance":NaN}]}').hint).toContain("send null for a missing value");
  });
});

describe("integers beyond 2^53", () => {
  const one = (distance: string) => `{"instances":[{"distance":1},{"distance":${distance},"origin":"A"}]}`;

  it.each(["9007199254740993", "-9007199254740993", "12345678901234567890"])(
    "are refused in an int column when a double cannot hold them: %s",
    (text) => {
      for (const body of [
        one(text),
        one(text).replace("{", '{"x":1,'),
        `{"inputs":{"distance":[1,${text}],"origin":["A","B"]}}`,
      ]) {
        expect(refusal(body)).toMatchObject({
          code: "WIRE_INEXACT_INTEGER",
          message: expect.stringContaining('model late, instance 1: field "distance"'),
          details: { model: "late", instance: 1, field: "distance", got: text },
        });
      }
    },
  );

  it.each(["9007199254740991", "9007199254740992", "-9007199254740994", "10000000000000000000", "1e19"])(
    "are accepted when it can: %s",
    (text) => {
      expect(recordsOf(one(text))[1]).toMatchObject({ distance: Number(text) });
    },
  );

  it("are accepted in columns of other types and in fields that nobody reads", () => {
    const text = "9007199254740993";
    const rules = inputRules("late", [{ name: "miles", type: "float", required: true }], LIMITS);
    expect(recordsOf(`{"instances":[{"miles":${text}}]}`, rules)).toEqual([{ miles: Number(text) }]);
    expect(recordsOf(`{"instances":[{"distance":9007199254740992,"id":${text}}]}`)).toHaveLength(1);
  });
});

describe("fields that the model does not read", () => {
  it("are refused when the server is told to", () => {
    const body = { instances: [{ distance: 1, origin: "A", orign: "B" }] };
    expect(recordsOf(body)).toHaveLength(1);
    expect(refusal(body, strict)).toMatchObject({
      code: "WIRE_UNKNOWN_FIELD",
      details: { model: "late", instance: 0, field: "orign" },
    });
    const columns = { inputs: { distance: [1], origin: ["A"], orign: ["B"] } };
    expect(refusal(columns, strict).code).toBe("WIRE_UNKNOWN_FIELD");
  });
});

describe("answers", () => {
  it("are a list for each instance where there are several outputs", () => {
    expect(writeV1Predictions("row", [1, 0, 0.25, 0.75], 2)).toBe(
      '{"predictions": [[1.0, 0.0], [0.25, 0.75]]}',
    );
    expect(writeV1Predictions("columnar", [1, 2, 3], 3)).toBe('{"outputs": [[1.0, 2.0, 3.0]]}');
  });

  it("keep floats floats and read back bit for bit", () => {
    expect(writeV1Predictions("row", [3, 0.5, 1e21, -2, 1e-7])).toBe(
      '{"predictions": [3.0, 0.5, 1e+21, -2.0, 1e-7]}',
    );
    expect(writeV1Predictions("columnar", [1])).toBe('{"outputs": [1.0]}');
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
        (values) => {
          expect(JSON.parse(writeV1Predictions("row", values)).predictions).toEqual(values);
        },
      ),
    );
  });

  it("describe status and metadata in the words of TensorFlow Serving and KServe", () => {
    const versions = [
      { version: 2, available: true },
      { version: 3, available: false, problem: "damaged" },
    ];
    expect(v1Status({ name: "late", ready: true }, versions)).toEqual({
      model_version_status: [
        { version: "2", state: "AVAILABLE", status: { error_code: "OK", error_message: "" } },
        { version: "3", state: "END", status: { error_code: "UNAVAILABLE", error_message: "damaged" } },
      ],
      name: "late",
      ready: true,
    });
    expect(v1Metadata({ name: "late", version: 2, output: "late" }, flights)).toMatchObject({
      model_spec: { name: "late", version: "2" },
      metadata: {
        signature_def: {
          signature_def: {
            serving_default: {
              inputs: { distance: { dtype: "DT_INT64" }, origin: { dtype: "DT_STRING" } },
              outputs: { late: { dtype: "DT_DOUBLE" } },
            },
          },
        },
      },
    });
  });
});
