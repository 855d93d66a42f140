import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeInferRequest, encodeInferResponse, type InferRequest } from "./infer-messages.ts";
import { numberOf } from "./integers.ts";
import { inferenceProtocol } from "./protocols/inference.ts";
import { messagesOf } from "./service-definition.ts";

const messages = messagesOf(inferenceProtocol);
const requestType = messages.type("inference.ModelInferRequest");
const responseType = messages.type("inference.ModelInferResponse");

const text = fc.string({ unit: "grapheme", maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const extent = fc.oneof(
  fc.integer({ min: -1, max: 300 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);
const parameters = fc.dictionary(fc.string({ maxLength: 5 }), fc.constant({ int64_param: 3 }), {
  maxKeys: 2,
});

const request = fc.record({
  model_name: text,
  model_version: text,
  id: text,
  parameters,
  inputs: fc.array(
    fc.record({
      name: text,
      datatype: text,
      shape: fc.array(extent, { maxLength: 4 }),
      parameters,
      contents: fc.option(
        fc.record({
          int64_contents: fc.array(fc.integer(), { maxLength: 3 }),
          fp64_contents: fc.array(fc.double({ noNaN: true }), { maxLength: 3 }),
          bytes_contents: fc.array(bytes, { maxLength: 3 }),
        }),
      ),
    }),
    { maxLength: 4 },
  ),
  outputs: fc.array(fc.record({ name: text, parameters }), { maxLength: 3 }),
  raw_input_contents: fc.array(bytes, { maxLength: 4 }),
});

/** What is looked at, in one form whoever read it. */
function readable({ inputs, outputs, raw_input_contents: raw, ...names }: InferRequest): object {
  const { model_name, model_version, id } = names;
  return {
    names: { model_name, model_version, id },
    inputs: inputs.map(({ name, datatype, shape, contents }) => ({
      ...{ name, datatype, shape: shape.map(numberOf) },
      contents: contents === null ? null : JSON.stringify(contents),
    })),
    outputs: outputs.map(({ name }) => name),
    raw: raw.map((part) => Buffer.from(part).toString("hex")),
  };
}

describe("messages of predictions", () => {
  it("are read as protobufjs reads them", () => {
    fc.assert(
      fc.property(request, (message) => {
        const encoded = Buffer.from(requestType.encode(requestType.create(message)).finish());
        const expected = requestType.decode(encoded) as unknown as InferRequest;
        expect(readable(decodeInferRequest(encoded))).toEqual(readable(expected));
      }),
    );
  });

  it("are refused when they are torn off within a field", () => {
    fc.assert(
      fc.property(request, fc.nat(), (message, at) => {
        const encoded = Buffer.from(requestType.encode(requestType.create(message)).finish());
        const torn = encoded.subarray(0, encoded.length === 0 ? 0 : at % encoded.length);
        const reading = (read: () => unknown): boolean => {
          try {
            read();
            return true;
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(Error);
            return false;
          }
        };
        expect(reading(() => decodeInferRequest(torn))).toBe(reading(() => requestType.decode(torn)));
      }),
    );
  });

  it("end with an answer or an error, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (anything) => {
        try {
          const { inputs } = decodeInferRequest(Buffer.from(anything));
          expect(Array.isArray(inputs)).toBe(true);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Error);
        }
      }),
    );
  });

  it("skip fields that they do not know and those of another type than theirs", () => {
    // Field 1 as a number, field 15 as bytes, then the name of the model.
    const odd = Buffer.of(0x08, 0x05, 0x7a, 0x02, 0x01, 0x02, 0x0a, 0x01, 0x78);
    expect(decodeInferRequest(odd)).toMatchObject({ model_name: "x", inputs: [] });
  });

  it("are written so that protobufjs reads what was meant", () => {
    const output = fc.record({
      ...{ name: text, datatype: text },
      shape: fc.array(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { maxLength: 40 }),
    });
    const response = fc.record({
      ...{ model_name: text, model_version: text, id: text },
      parameters: text.map((id) => ({ prediction_id: { string_param: id } })),
      outputs: fc.array(output, { maxLength: 3 }),
      raw_output_contents: fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(response, (message) => {
        const read = responseType.toObject(responseType.decode(encodeInferResponse(message)), {
          ...{ longs: Number, bytes: Array, defaults: true, arrays: true },
        });
        expect(read).toMatchObject({
          ...message,
          parameters: message.parameters.prediction_id.string_param === "" ? {} : message.parameters,
          raw_output_contents: message.raw_output_contents.map((part) => Array.from(part)),
        });
      }),
    );
  });

  it("are written whole when they are larger than the memory that is kept", () => {
    const part = Buffer.alloc(3_000_000, 7);
    const parameters = { prediction_id: { string_param: "an id" } };
    const message = { model_name: "late", model_version: "1", id: "", parameters, outputs: [] };
    for (const raw of [[part], [], [part, part]]) {
      const encoded = encodeInferResponse({ ...message, raw_output_contents: raw });
      const read = responseType.decode(encoded) as unknown as { raw_output_contents: Buffer[] };
      expect(read.raw_output_contents.map((bytes) => bytes.equals(part))).toEqual(raw.map(() => true));
    }
  });
});
