import { openOnnxSession } from "./onnx-session.ts";
import { bytesField, integerField } from "./protobuf-writer.ts";

/** Runs a graph of one operator. @throws INFERENCE_NO_ONNXRUNTIME where onnxruntime cannot be loaded */
export async function tryOnnxRuntime(): Promise<void> {
  const session = await openOnnxSession(identityGraph());
  try {
    await session.run({ x: { type: "float32", shape: [1], data: Float32Array.of(1) } });
  } finally {
    await session.close();
  }
}

/** `y = x`, as onnx.proto has it. */
function identityGraph(): Uint8Array {
  const FLOAT = 1;
  const one = bytesField(2, bytesField(1, integerField(1, 1)));
  const type = bytesField(2, bytesField(1, Buffer.concat([integerField(1, FLOAT), one])));
  const value = (name: string) => Buffer.concat([bytesField(1, name), type]);
  const node = Buffer.concat([bytesField(1, "x"), bytesField(2, "y"), bytesField(4, "Identity")]);
  const graph = Buffer.concat([
    bytesField(1, node),
    bytesField(2, "identity"),
    bytesField(11, value("x")),
    bytesField(12, value("y")),
  ]);
  return Buffer.concat([
    integerField(1, 8),
    bytesField(7, graph),
    bytesField(8, Buffer.concat([bytesField(1, ""), integerField(2, 17)])),
  ]);
}
