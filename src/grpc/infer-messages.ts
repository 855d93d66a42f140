import protobuf from "protobufjs";
import type { WireInteger } from "./integers.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { inferenceProtocol } from "./protocols/inference.ts";
import { messagesOf } from "./service-definition.ts";

/**
 * The two messages of a prediction over the Open Inference Protocol V2. They are read and written here, without what nobody
 * looks at, because protobufjs takes longer for them than the model for its answer.
 */
export interface InferRequest {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly inputs: readonly InferInput[];
  readonly outputs: readonly { readonly name: string }[];
  readonly raw_input_contents: readonly Uint8Array[];
}

export interface InferInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly WireInteger[];
  readonly contents: TensorContents | null;
}

export interface TensorContents {
  readonly bool_contents: readonly boolean[];
  readonly int_contents: readonly number[];
  readonly int64_contents: readonly WireInteger[];
  readonly uint_contents: readonly number[];
  readonly uint64_contents: readonly WireInteger[];
  readonly fp32_contents: readonly number[];
  readonly fp64_contents: readonly number[];
  readonly bytes_contents: readonly Uint8Array[];
}

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: { readonly prediction_id: { readonly string_param: string } };
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
  }[];
  readonly raw_output_contents: readonly Uint8Array[];
}

const contentsType = messagesOf(inferenceProtocol).type("inference.InferTensorContents");
const VARINT = 0;
const LENGTH_DELIMITED = 2;

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** @throws RangeError or Error when the bytes are no such message */
export function decodeInferRequest(bytes: Uint8Array): InferRequest {
  const inputs: InferInput[] = [];
  const outputs: { name: string }[] = [];
  const raw: Uint8Array[] = [];
  const request: Writable<InferRequest> = {
    ...{ model_name: "", model_version: "", id: "", inputs, outputs, raw_input_contents: raw },
  };
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) !== LENGTH_DELIMITED) {
      reader.skipType(tag & 7);
      continue;
    }
    switch (tag >>> 3) {
      case 1:
        request.model_name = reader.string();
        break;
      case 2:
        request.model_version = reader.string();
        break;
      case 3:
        request.id = reader.string();
        break;
      case 5:
        inputs.push(readInput(reader));
        break;
      case 6:
        outputs.push(readOutput(reader));
        break;
      case 7:
        raw.push(reader.bytes());
        break;
      default:
        reader.skipType(LENGTH_DELIMITED);
    }
  }
  return request;
}

function readInput(reader: protobuf.Reader): InferInput {
  const shape: WireInteger[] = [];
  const input: Writable<InferInput> = { name: "", datatype: "", shape, contents: null };
  const end = endOfMessage(reader);
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case (1 << 3) | LENGTH_DELIMITED:
        input.name = reader.string();
        break;
      case (2 << 3) | LENGTH_DELIMITED:
        input.datatype = reader.string();
        break;
      case (3 << 3) | VARINT:
        shape.push(readInteger(reader));
        break;
      case (3 << 3) | LENGTH_DELIMITED: {
        const endOfShape = endOfMessage(reader);
        while (reader.pos < endOfShape) shape.push(readInteger(reader));
        break;
      }
      case (5 << 3) | LENGTH_DELIMITED:
        input.contents = contentsType.decode(reader, reader.uint32()) as unknown as TensorContents;
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  requireEnd(reader, end);
  return input;
}

function readOutput(reader: protobuf.Reader): { name: string } {
  const output = { name: "" };
  const end = endOfMessage(reader);
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ((1 << 3) | LENGTH_DELIMITED)) output.name = reader.string();
    else reader.skipType(tag & 7);
  }
  requireEnd(reader, end);
  return output;
}

function readInteger(reader: protobuf.Reader): WireInteger {
  const first = reader.buf[reader.pos];
  if (first !== undefined && first < 0x80 && reader.pos < reader.len) {
    reader.pos++;
    return first;
  }
  // Its declaration leaves out what the package `long` has.
  return reader.int64() as unknown as WireInteger;
}

function endOfMessage(reader: protobuf.Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw new RangeError(`a message of ${length} bytes begins where fewer are left`);
  return end;
}

function requireEnd(reader: protobuf.Reader, end: number): void {
  if (reader.pos !== end) throw new RangeError("a field is longer than the message that it is in");
}

const writer = new ProtobufWriter();
const PREDICTION_ID = Buffer.from("prediction_id");

export function encodeInferResponse(response: InferResponse): Buffer {
  writer.begin();
  writer.text(1, response.model_name);
  writer.text(2, response.model_version);
  writer.text(3, response.id);
  writer.message(4, () => {
    writer.element(1, PREDICTION_ID);
    writer.message(2, () => writer.text(3, response.parameters.prediction_id.string_param));
  });
  for (const { name, datatype, shape } of response.outputs) {
    writer.message(5, () => {
      writer.text(1, name);
      writer.text(2, datatype);
      writer.numbers(3, shape);
    });
  }
  for (const bytes of response.raw_output_contents) writer.element(6, bytes);
  return writer.finish();
}
