import { defineErrors } from "../kernel/index.ts";

export const imagesErrors = defineErrors({
  IMAGES_BAD_IMAGE: {
    kind: "invalid",
    doc: "An image cannot be decoded: it is cut off, damaged, or no image.",
  },
  IMAGES_TOO_LARGE: {
    kind: "invalid",
    doc: "An image has more bytes or more pixels than are allowed.",
  },
  IMAGES_NOT_FOUND: { kind: "not-found", doc: "There is no image where one is said to be." },
  IMAGES_BAD_EMBEDDING: {
    kind: "invalid",
    doc: "The ONNX model of an embedding does not fit what the project says about it.",
  },
  IMAGES_NO_DECODER: { kind: "unavailable", doc: "The image decoder cannot be loaded." },
});
