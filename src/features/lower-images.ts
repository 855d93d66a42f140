import { canonicalJson } from "../kernel/index.ts";
import type { ImageNumber } from "./derivation.ts";
import { featuresErrors } from "./errors.ts";
import type { ExpressionOf } from "./expression.ts";
import { type Codes, type Lowered, type Lowering, learnedValues, trainingOf } from "./lowered.ts";
import type { ValueId } from "./plan-builder.ts";

/** One number of an image as a value of the plan. */
export function imageSlot({ builder, derived }: Lowering, column: string, number: ImageNumber): ValueId {
  const found = derived.get(canonicalJson({ kind: "image", column, number }))!;
  return builder.slot({ read: "derived", derived: builder.derived(found) });
}

export function lowerImageFact(expression: ExpressionOf<"imageFact">, lowering: Lowering): Lowered {
  const id = imageSlot(lowering, columnOf(expression, lowering), { fact: expression.fact });
  return { kind: "number", id };
}

export function lowerImageHashDistance(
  expression: ExpressionOf<"imageHashDistance">,
  lowering: Lowering,
): Lowered {
  const number = { fact: "hashDistance", to: expression.to } as const;
  return { kind: "number", id: imageSlot(lowering, columnOf(expression, lowering), number) };
}

export function lowerImageEmbedding(expression: ExpressionOf<"imageEmbedding">, lowering: Lowering): Lowered {
  const column = columnOf(expression, lowering);
  const recipe = lowering.embeddings[column];
  if (recipe === undefined) {
    throw featuresErrors.FEATURES_BAD_EXPRESSION.error(`embedding(): column "${column}" has no embedding`, {
      details: { operation: "imageEmbedding", column },
      hint: `declare one: image({ embedding: { model: "encoder.onnx", width: 224, height: 224 } })`,
    });
  }
  lowering.builder.embedding(column, recipe);
  const values = Array.from({ length: recipe.size }, (_, at) =>
    imageSlot(lowering, column, { fact: "embedding", at }),
  );
  return {
    kind: "vector",
    outputsAs: (name) => values.map((value, at) => ({ kind: "numeric", name: `${name}[${at}]`, value })),
  };
}

/** The hashes of the training rows are the categories; others are unseen. */
export function lowerImageHash(expression: ExpressionOf<"imageHash">, lowering: Lowering): Lowered {
  trainingOf(lowering, expression.op);
  const key = imageSlot(lowering, columnOf(expression, lowering), { fact: "hashKey" });
  let made: Codes | undefined;
  return {
    kind: "category",
    presence: () => key,
    codes: () => {
      made ??= hashCodes(key, expression, lowering);
      return made;
    },
    hash: () => key,
  };
}

function hashCodes(key: ValueId, expression: ExpressionOf<"imageHash">, lowering: Lowering): Codes {
  const counts = new Map<number, number>();
  for (const value of learnedValues(lowering, expression.op, key)) {
    if (!Number.isNaN(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const kept = [...counts]
    .filter(([, count]) => count >= expression.minCount)
    .sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || a - b)
    .slice(0, expression.maxCategories)
    .map(([hash]) => hash);
  const rising = kept.map((hash, code) => ({ hash, code })).sort((a, b) => a.hash - b.hash);
  const id = lowering.builder.step("codeOfKey", [key], {
    keys: rising.map(({ hash }) => hash),
    codes: rising.map(({ code }) => code),
  });
  return {
    id,
    size: kept.length,
    label: (code) => kept[code]!.toString(16).padStart(8, "0"),
    compare: (a, b) => kept[a]! - kept[b]!,
  };
}

function columnOf(
  { op, args }: ExpressionOf<"imageFact" | "imageHash" | "imageHashDistance" | "imageEmbedding">,
  lowering: Lowering,
): string {
  const lowered = lowering.lower(args[0]);
  if (lowered.kind === "image") return lowered.column;
  throw new Error(`unreachable: ${op} was checked to be of an image`);
}
