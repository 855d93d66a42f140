import { distinctNames, type OriginInput } from "../origin-model.ts";
import type { JsonView } from "./json-view.ts";

/** The features in the words of the model: their names and types, and the labels of categories where they are kept. */
export function inputsOf(learner: JsonView, model: JsonView, count: number): OriginInput[] {
  const given = texts(learner, "feature_names");
  if (given.length !== 0 && given.length !== count)
    throw learner.bad(`names ${given.length} of ${count} features`);
  const names = distinctNames(
    Array.from({ length: count }, (_, index) => given[index] ?? ""),
    (index) => `f${index}`,
  );
  const types = texts(learner, "feature_types");
  const labels = labelsOf(model);
  return names.map((name, index) => {
    if (types[index] !== "c") return { name, type: "float" };
    const categories = labels(index);
    return categories === undefined ? { name, type: "int" } : { name, type: "category", categories };
  });
}

function texts(learner: JsonView, key: string): string[] {
  return learner.has(key)
    ? learner
        .get(key)
        .items()
        .map((item) => item.text())
    : [];
}

/** Since 3.1 a model may hold the labels of its categories: texts as UTF-8 bytes with offsets, or plain numbers. */
function labelsOf(model: JsonView): (feature: number) => readonly string[] | undefined {
  if (!model.has("cats")) return () => undefined;
  const encodings = model.get("cats").get("enc").items();
  return (feature) => {
    const encoding = encodings[feature];
    if (encoding === undefined) return undefined;
    const values = encoding.get("values").numbers();
    const labels = encoding.has("offsets")
      ? decodeTexts(encoding, values)
      : Array.from(values, (value) => String(value));
    return labels.length === 0 || new Set(labels).size !== labels.length ? undefined : labels;
  };
}

function decodeTexts(encoding: JsonView, values: ArrayLike<number>): string[] {
  const offsets = encoding.get("offsets").integers({ least: 0, most: values.length });
  const bytes = Uint8Array.from(values, (value) => value & 0xff);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return Array.from({ length: Math.max(0, offsets.length - 1) }, (_, at) =>
    decoder.decode(bytes.subarray(offsets[at], offsets[at + 1])),
  );
}
