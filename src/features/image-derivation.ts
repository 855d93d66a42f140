import { type EmbeddingRecipe, type ImageFactName, imageFactNames } from "../images/spec.ts";
import type { ColumnType } from "../kernel/index.ts";
import type { ImageDerivation, ImageNumber } from "./derivation.ts";
import type { Expression } from "./expression.ts";
import { nodesOf } from "./expression-nodes.ts";
import {
  type Json,
  readInteger,
  readList,
  readNumber,
  readObject,
  readText,
  refusePlan,
} from "./plan-reader.ts";

/** Most numbers of a vector. */
export const mostEmbeddingNumbers = 8192;
const MOST_PIXELS = 4096;

/** What an expression wants to know of images. */
export function imagesOf(
  expression: Expression,
  columns: Readonly<Record<string, ColumnType>>,
  embeddings: Readonly<Record<string, EmbeddingRecipe>>,
): ImageDerivation[] {
  return [...nodesOf(expression)].flatMap((node) => {
    const [of] = "args" in node ? node.args : [];
    if (of?.op !== "column" || columns[of.name] !== "image") return [];
    const column = of.name;
    return numbersOf(node, embeddings[column]).map((number) => ({ kind: "image", column, number }));
  });
}

function numbersOf(node: Expression, embedding: EmbeddingRecipe | undefined): ImageNumber[] {
  switch (node.op) {
    case "imageFact":
      return [{ fact: node.fact }];
    case "imageHash":
      return [{ fact: "hashKey" }];
    case "imageHashDistance":
      return [{ fact: "hashDistance", to: node.to }];
    case "imageEmbedding":
      return Array.from({ length: embedding?.size ?? 0 }, (_, at) => ({ fact: "embedding", at }));
    case "isMissing":
    case "missingIndicator":
      return [{ fact: "bytes" }];
    default:
      return [];
  }
}

export function readImageNumber(given: Json, where: string): ImageNumber {
  const own = readObject(given, where, ["fact", "to", "at"]);
  const refuseExtra = (allowed: string): void => {
    for (const name of ["to", "at"]) {
      if (own[name] !== undefined && name !== allowed) throw refusePlan(`must not have ${name}`, where);
    }
  };
  const { fact } = own;
  switch (fact) {
    case "hashKey":
      refuseExtra("");
      return { fact };
    case "hashDistance": {
      refuseExtra("to");
      const to = readText(own.to, where);
      if (!/^[0-9a-f]{16}$/.test(to)) throw refusePlan("must name a hash of 16 hexadecimal digits", where);
      return { fact, to };
    }
    case "embedding":
      refuseExtra("at");
      return { fact, at: readInteger(own.at, where, { least: 0, most: mostEmbeddingNumbers - 1 }) };
    default: {
      refuseExtra("");
      const known: ImageFactName | undefined = imageFactNames.find((name) => name === fact);
      if (known === undefined) throw refusePlan("is of an unknown fact", where);
      return { fact: known };
    }
  }
}

/** Reads the recipe of an embedding as foreign JSON. @throws FEATURES_BAD_PLAN */
export function readEmbedding(given: Json, where: string): EmbeddingRecipe {
  const own = readObject(given, where, [
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
    "size",
  ]);
  const pixels = { least: 1, most: MOST_PIXELS };
  const model = readText(own.model, where);
  if (!/^[0-9a-f]{64}$/.test(model)) throw refusePlan("must name a model by its digest", where);
  return {
    model,
    width: readInteger(own.width, where, pixels),
    height: readInteger(own.height, where, pixels),
    layout: readChoice(own.layout, where, ["NCHW", "NHWC"]),
    channels: readChoice(own.channels, where, ["RGB", "BGR"]),
    mean: readThree(own.mean, where),
    deviation: readThree(own.deviation, where),
    fit: readChoice(own.fit, where, ["cover", "fill"]),
    input: readText(own.input, where),
    output: readText(own.output, where),
    size: readInteger(own.size, where, { least: 1, most: mostEmbeddingNumbers }),
  };
}

function readChoice<const Choice extends string>(given: Json, where: string, of: readonly Choice[]): Choice {
  const found = of.find((choice) => choice === given);
  if (found === undefined) throw refusePlan(`must have one of ${of.join(", ")}`, where);
  return found;
}

function readThree(given: Json, where: string): readonly [number, number, number] {
  const numbers = readList(given, where, 3).map((value) => readNumber(value, where));
  if (numbers.length !== 3) throw refusePlan("must have three numbers", where);
  return [numbers[0]!, numbers[1]!, numbers[2]!];
}
