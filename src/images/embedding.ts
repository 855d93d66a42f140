import { type OnnxSession, openOnnxSession, type TensorDeclaration } from "../inference/index.ts";
import { digestOf, SlipwayError } from "../kernel/index.ts";
import type { Decoder } from "./decode.ts";
import { imagesErrors } from "./errors.ts";
import type { Pixels } from "./pixel-facts.ts";
import type { EmbeddingOptions, EmbeddingRecipe } from "./spec.ts";

/** Most numbers of a vector: each becomes an input of the model. */
const MOST_NUMBERS = 8192;

/** Turns pixels into vectors by an ONNX graph on a thread of its own, one image at a time, so that none depends on another. */
export class Embedder {
  readonly recipe: EmbeddingRecipe;
  readonly #session: OnnxSession;
  readonly #decoder: Decoder;

  private constructor(recipe: EmbeddingRecipe, session: OnnxSession, decoder: Decoder) {
    this.recipe = recipe;
    this.#session = session;
    this.#decoder = decoder;
  }

  /**
   * Opens a graph and finds out what the project does not say: names, and the length of the vector.
   *
   * @param model the bytes of the ONNX file
   * @throws IMAGES_BAD_EMBEDDING, INFERENCE_*
   */
  static async open(
    options: Omit<EmbeddingOptions, "model">,
    { model, decoder }: { readonly model: Uint8Array; readonly decoder: Decoder },
  ): Promise<Embedder> {
    const session = await openOnnxSession(model);
    try {
      const input = theOne(session.inputs, options.input, "input");
      const output = theOne(session.outputs, options.output, "output");
      const { width, height, layout = "NCHW" } = options;
      const draft = {
        model: digestOf(model),
        width,
        height,
        layout,
        channels: options.channels ?? "RGB",
        mean: options.mean ?? ([0, 0, 0] as const),
        deviation: options.deviation ?? ([1, 1, 1] as const),
        fit: options.fit ?? "cover",
        input: input.name,
        output: output.name,
        size: 0,
      };
      checkInput(input, shapeOf(draft));
      // The graph itself says best how long its vectors are.
      const white = { width, height, data: new Uint8Array(width * height * 3).fill(255) };
      const trial = new Embedder(draft, session, decoder);
      const { length } = await trial.embed(white);
      if (length < 1 || length > MOST_NUMBERS) {
        throw bad(
          `its output "${output.name}" has ${length} numbers for an image; 1 to ${MOST_NUMBERS} are possible`,
        );
      }
      return new Embedder({ ...draft, size: length }, session, decoder);
    } catch (thrown) {
      await session.close();
      throw thrown;
    }
  }

  /** @throws IMAGES_BAD_EMBEDDING when the graph fails or answers something else than numbers */
  async embed(pixels: Pixels): Promise<Float32Array> {
    const { width, height, fit, input, output, size } = this.recipe;
    const fitting = pixels.width === width && pixels.height === height;
    const sized = fitting ? pixels : await this.#decoder.resize(pixels, { width, height, fit });
    const tensor = {
      type: "float32",
      shape: shapeOf(this.recipe),
      data: tensorData(sized, this.recipe),
    } as const;
    const answers = await this.#session
      .run({ [input]: tensor }, { outputs: [output], giveAway: true })
      .catch((thrown: unknown) => {
        if (thrown instanceof SlipwayError) throw bad(thrown.message, thrown);
        throw thrown;
      });
    const answer = answers[output];
    if (answer === undefined || (answer.type !== "float32" && answer.type !== "float64")) {
      throw bad(`its output "${output}" is ${answer?.type ?? "nothing"}, not floating-point numbers`);
    }
    const vector = Float32Array.from(answer.data);
    if (size !== 0 && vector.length !== size) {
      throw bad(`its output "${output}" has ${vector.length} numbers for this image and ${size} for others`);
    }
    if (!vector.every(Number.isFinite)) throw bad(`its output "${output}" has numbers that are not finite`);
    return vector;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

function theOne(
  declared: readonly TensorDeclaration[],
  name: string | undefined,
  what: "input" | "output",
): TensorDeclaration {
  const names = declared.map((tensor) => tensor.name);
  const found =
    name === undefined && declared.length === 1 ? declared[0] : declared.find((t) => t.name === name);
  if (found !== undefined) return found;
  throw bad(
    name === undefined
      ? `it has ${declared.length} ${what}s (${names.join(", ")}): name one as \`${what}\``
      : `it has no ${what} "${name}"; it has ${names.join(", ")}`,
  );
}

function checkInput({ name, type, shape }: TensorDeclaration, given: readonly number[]): void {
  const fits =
    type === "float32" &&
    shape.length === 4 &&
    shape.every((extent, at) => extent === undefined || extent === given[at]);
  if (fits) return;
  const declared = shape.map((extent) => extent ?? "any").join(" × ");
  throw bad(
    `its input "${name}" is ${type} of ${declared}, the project says float32 of ${given.join(" × ")}`,
  );
}

function shapeOf({ width, height, layout }: Pick<EmbeddingRecipe, "width" | "height" | "layout">): number[] {
  return layout === "NCHW" ? [1, 3, height, width] : [1, height, width, 3];
}

/** The pixels as the graph wants them: normalised, in its order of channels and extents. */
export function tensorData(
  { width, height, data }: Pixels,
  { layout, channels, mean, deviation }: Pick<EmbeddingRecipe, "layout" | "channels" | "mean" | "deviation">,
): Float32Array<ArrayBuffer> {
  const count = width * height;
  const values = new Float32Array(count * 3);
  for (let channel = 0; channel < 3; channel++) {
    const source = channels === "RGB" ? channel : 2 - channel;
    // A value has 256 possibilities: each is computed once.
    const table = Float32Array.from(
      { length: 256 },
      (_, value) => (value / 255 - mean[channel]!) / deviation[channel]!,
    );
    const [start, step] = layout === "NCHW" ? [channel * count, 1] : [channel, 3];
    for (let at = 0; at < count; at++) values[start + at * step] = table[data[at * 3 + source]!]!;
  }
  return values;
}

function bad(reason: string, cause?: unknown): SlipwayError {
  return imagesErrors.IMAGES_BAD_EMBEDDING.error(`the embedding model does not fit: ${reason}`, {
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** True when the vectors of two recipes can stand side by side. */
export function sameEmbedding(a: EmbeddingRecipe | undefined, b: EmbeddingRecipe | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
