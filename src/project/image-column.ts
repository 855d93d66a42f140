import type { EmbeddingOptions, ImageOptions } from "../images/spec.ts";
import { badDataset as bad, checkMembers } from "./dataset-options.ts";

/** A column of pictures: paths relative to the file that names them or to the project's folder, or base64. */
export interface ImageDeclaration extends ImageOptions {
  readonly type: "image";
  readonly known?: "before" | "after";
  readonly required?: boolean;
}

/** @throws PROJECT_BAD_DATASET */
export function checkEmbedding(column: string, embedding: EmbeddingOptions): void {
  const what = `the embedding of column "${column}"`;
  checkMembers(embedding, what, [
    "model",
    "width",
    "height",
    "layout",
    "channels",
    "mean",
    "deviation",
    "fit",
    "input",
    "output",
  ]);
  const given: Readonly<Record<string, unknown>> = { ...embedding };
  const wrong = (option: string, wanted: string): Error =>
    bad(`${what}: ${option} must be ${wanted}`, `${column}.embedding.${option}`);
  if (typeof given.model !== "string" || given.model === "") throw wrong("model", "the path of an ONNX file");
  for (const option of ["width", "height"]) {
    const value = given[option];
    if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > 4096)
      throw wrong(option, "a whole number of pixels from 1 to 4,096");
  }
  const choices = { layout: ["NCHW", "NHWC"], channels: ["RGB", "BGR"], fit: ["cover", "fill"] };
  for (const [option, allowed] of Object.entries(choices)) {
    const value = given[option];
    if (value !== undefined && !allowed.includes(String(value))) throw wrong(option, allowed.join(" or "));
  }
  for (const option of ["mean", "deviation"]) {
    const value = given[option];
    if (value === undefined) continue;
    const fits = Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
    if (!fits || (option === "deviation" && value.includes(0)))
      throw wrong(option, `three numbers${option === "deviation" ? " other than 0" : ""}`);
  }
  for (const option of ["input", "output"]) {
    const value = given[option];
    if (value !== undefined && (typeof value !== "string" || value === "")) throw wrong(option, "a name");
  }
}

/**
 * A column of pictures.
 *
 *     columns: { photo: image(), banner: image({ embedding: { model: "encoder.onnx", width: 224, height: 224 } }) }
 */
export function image<const Options extends Omit<ImageDeclaration, "type">>(
  options: Options = {} as Options,
): { readonly type: "image" } & Options {
  return { type: "image", ...options };
}
