import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { whileBusy } from "../serving/testing/busy-event-loop.ts";
import { FLIGHT } from "../serving/testing/small-bundle.ts";
import { openGrpcRoom } from "./testing/grpc-room.ts";

const bytes = (text: string) => Buffer.from(text);
const typedInputs = [
  { name: "date", datatype: "BYTES", shape: [1], contents: { bytes_contents: [bytes(String(FLIGHT.date))] } },
  { name: "distance", datatype: "INT64", shape: [1], contents: { int64_contents: [FLIGHT.distance] } },
  { name: "miles", datatype: "FP64", shape: [1], contents: { fp64_contents: [FLIGHT.miles] } },
  { name: "nonstop", datatype: "BOOL", shape: [1], contents: { bool_contents: [FLIGHT.nonstop] } },
  {
    name: "origin",
    datatype: "BYTES",
    shape: [1],
    contents: { bytes_contents: [bytes(String(FLIGHT.origin))] },
  },
];

function rawRequest(): object {
  const text = (value: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(value));
    return Buffer.concat([length, bytes(value)]);
  };
  const double = Buffer.alloc(8);
  double.writeDoubleLE(Number(FLIGHT.miles));
  const integer = Buffer.alloc(8);
  integer.writeBigInt64LE(BigInt(Number(FLIGHT.distance)));
  return {
    model_name: "late",
    inputs: typedInputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    raw_input_contents: [
      text(String(FLIGHT.date)),
      integer,
      double,
      Buffer.of(FLIGHT.nonstop ? 1 : 0),
      text(String(FLIGHT.origin)),
    ],
  };
}

describe("a worker with too much to do, over gRPC", () => {
  it("refuses what would wait too long, and says when to come back", async () => {
    const { call, refusal, dataPlane } = await openGrpcRoom({ admission: { maxWaitMs: 1 } });
    const request = rawRequest();
    await call("inference", "ModelInfer", request);
    const refused = await whileBusy(dataPlane, () => refusal("inference", "ModelInfer", request));
    expect(refused).toMatchObject({
      code: status.UNAVAILABLE,
      details: "model late is overloaded: this request would wait too long",
    });
    expect(refused.metadata.get("x-slipway-code")).toEqual(["SERVING_OVERLOADED"]);
    expect(refused.metadata.get("grpc-retry-pushback-ms")).toEqual(["1000"]);
    await call("inference", "ModelInfer", request);
  });

  it("computes nothing for a call whose deadline has passed", async () => {
    const { refusal, dataPlane } = await openGrpcRoom();
    const late = await whileBusy(dataPlane, () =>
      refusal("inference", "ModelInfer", rawRequest(), { deadline: Date.now() + 15 }),
    );
    expect([status.DEADLINE_EXCEEDED, status.UNAVAILABLE]).toContain(late.code);
    expect(dataPlane.predictionCount()).toBe(0);
  });
});
