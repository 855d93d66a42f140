import { inferenceErrors } from "../errors.ts";
import { readLightgbm } from "./lightgbm/read-lightgbm.ts";
import { readOnnx } from "./onnx/read-onnx.ts";
import { type OriginFormat, type OriginModel, originFormats, unsupported } from "./origin-model.ts";
import { readXgboostJson, readXgboostUbj } from "./xgboost/read-xgboost.ts";

const READERS: Readonly<Record<OriginFormat, (bytes: Uint8Array) => OriginModel>> = {
  lightgbm: readLightgbm,
  "xgboost-json": readXgboostJson,
  "xgboost-ubj": readXgboostUbj,
  onnx: readOnnx,
  remote: () => {
    throw unsupported("remote", "it has no model in it");
  },
};

/**
 * Reads a model file of another program.
 *
 * @param format what it is; found out from its first bytes when left out
 * @throws INFERENCE_UNKNOWN_FORMAT, INFERENCE_UNSUPPORTED_MODEL, INFERENCE_BAD_MODEL_FILE
 */
export function readOriginModel(bytes: Uint8Array, format?: OriginFormat): OriginModel {
  return READERS[format ?? recogniseFormat(bytes)](bytes);
}

/**
 * The format that a file begins like.
 *
 * @throws INFERENCE_UNKNOWN_FORMAT, INFERENCE_UNSUPPORTED_MODEL for formats that are known and never read
 */
export function recogniseFormat(bytes: Uint8Array): OriginFormat {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString("latin1");
  refuseKnown(head);
  if (/^tree\r?\n/.test(head) || /^Tree=\d/.test(head)) return "lightgbm";
  if (/^\{[LlIiU#$N]/.test(head)) return "xgboost-ubj";
  if (/^\s*\{/.test(head)) return recogniseJson(bytes);
  // An ONNX file begins with its ir_version: field 1, a small number, then another field.
  if (bytes[0] === 0x08 && bytes[1]! < 0x40) return "onnx";
  throw unknownFormat("it begins like none of them");
}

function recogniseJson(bytes: Uint8Array): OriginFormat {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw inferenceErrors.INFERENCE_BAD_MODEL_FILE.error("the model file begins like JSON and is not", {
      cause,
    });
  }
  const members = new Set(typeof document === "object" && document !== null ? Object.keys(document) : []);
  if (members.has("learner")) return "xgboost-json";
  if (members.has("addresses")) return "remote";
  if (members.has("tree_info"))
    throw unsupported(
      "lightgbm",
      "the JSON of dump_model(), which is written for people and leaves out digits",
      "Save it with save_model().",
    );
  if (members.has("modelTopology") || members.has("weightsManifest"))
    throw unsupported(undefined, "a TensorFlow.js layers model", "Convert it to ONNX with tf2onnx.");
  throw unknownFormat("it is JSON without XGBoost's learner");
}

/** In XGBoost's own binary format the name of the objective follows a struct of 136 bytes and its own length. */
const XGBOOST_NAME_AT = 136 + 8;
const XGBOOST_OBJECTIVE = /^(binary|multi|reg|count|rank|survival):/;
/** How pickles of the text protocol begin; those of the later ones begin with the byte 0x80 and their version. */
const PICKLE = /^(c(copy_reg|__builtin__|builtins|sklearn|numpy|joblib)[\w.]*\n|\([dl]p\d)/;

function isPickle(head: string): boolean {
  return PICKLE.test(head) || (head.charCodeAt(0) === 0x80 && head.charCodeAt(1) <= 5);
}

function isXgboostBinary(head: string): boolean {
  const body = head.startsWith("binf") ? head.slice(4) : head;
  return head.startsWith("bs64\t") || XGBOOST_OBJECTIVE.test(body.slice(XGBOOST_NAME_AT));
}

function refuseKnown(head: string): void {
  if (isPickle(head)) {
    throw unsupported(
      undefined,
      "a Python pickle, which is a program and not data: it is never loaded",
      "Convert it to ONNX with skl2onnx, or save it in its library's own format.",
    );
  }
  if (isXgboostBinary(head)) {
    throw unsupported(
      undefined,
      "XGBoost's old binary format, which XGBoost itself removed in 3.1",
      "Load it with XGBoost 1 or 2 and save it as model.json or model.ubj.",
    );
  }
}

function unknownFormat(what: string): Error {
  return inferenceErrors.INFERENCE_UNKNOWN_FORMAT.error(
    `the format of the model file is not known: ${what}`,
    {
      details: { known: originFormats },
      hint: `These are read: ${originFormats.join(", ")}.`,
    },
  );
}
