import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { openGrpcRoom } from "./testing/grpc-room.ts";

const bytes = (text: string) => Buffer.from(text);

describe("a message that can be decoded, and that no client writes", () => {
  it("is refused where its answer would cut a name between the halves of a surrogate pair", async () => {
    const { refusal } = await openGrpcRoom();
    const name = `a${"😀".repeat(150)}`;
    expect(await refusal("inference", "ModelInfer", { model_name: name })).toMatchObject({
      code: status.NOT_FOUND,
      details: expect.stringContaining("😀\ufffd"),
    });
    expect(await refusal("health", "Check", { service: name })).toMatchObject({ code: status.NOT_FOUND });
  });

  it("is refused with an input or a feature that has a name and nothing else", async () => {
    const { refusal } = await openGrpcRoom();
    const spec = [0x0a, 0x06, 0x0a, 0x04, ...bytes("late")];
    const nameOnly = [0x0a, 0x04, ...bytes("date")];
    const input = await refusal("prediction", "Predict", Buffer.from([...spec, 0x12, 0x06, ...nameOnly]));
    expect(input).toMatchObject({ code: status.INVALID_ARGUMENT, details: 'input "date" has no tensor' });
    const wrapped = [0x12, 0x0e, 0x0a, 0x0c, 0x0a, 0x0a, 0x0a, 0x08, 0x0a, 0x06, ...nameOnly];
    const feature = await refusal("prediction", "Classify", Buffer.from([...spec, ...wrapped]));
    expect(feature).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(feature.details).toContain('"date"');
  });
});
