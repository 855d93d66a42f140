import type { OpenBundle } from "../bundle/index.ts";
import { type FeatureKernel, featuresErrors, type ImageDerivation } from "../features/index.ts";
import {
  DEFAULT_IMAGE_LIMITS,
  decodeBase64,
  type ImageFacts,
  type ImageLimits,
  ImageReaders,
  imageNumber,
  imagesErrors,
  readImageText,
} from "../images/index.ts";
import { isDigest, SlipwayError } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import type { OnWrongInstance } from "./threaded-model.ts";

/** What images of records may be. */
export interface ImageRules {
  readonly limits: ImageLimits;
  /** A record may name an image that is stored by its digest: `{"digest": "…"}`. */
  readonly storedImages: boolean;
}

export const DEFAULT_IMAGE_RULES: ImageRules = { limits: DEFAULT_IMAGE_LIMITS, storedImages: false };

/** Whatever was answered once can be answered again. */
export const REPLAY_IMAGE_RULES: ImageRules = {
  limits: { maxBytes: Number.POSITIVE_INFINITY, maxPixels: Number.MAX_SAFE_INTEGER },
  storedImages: true,
};

type InputRecord = Readonly<Record<string, unknown>>;

/** The images of a model: they are looked into before it predicts, on the threads of the process's pool. */
export class ModelImages {
  /** Of the derived values that come from images, among those of the kernel. */
  readonly places: readonly number[];
  readonly #width: number;
  readonly #columns: ReadonlyMap<
    string,
    readonly { readonly place: number; readonly from: ImageDerivation }[]
  >;
  readonly #readers: ImageReaders;
  readonly #blobs: BlobStore;
  readonly #rules: ImageRules;
  #open = 0;

  private constructor(
    kernel: FeatureKernel,
    parts: { readonly readers: ImageReaders; readonly blobs: BlobStore; readonly rules: ImageRules },
  ) {
    const { columns, places } = imagePlaces(kernel);
    this.#width = kernel.derived.length;
    this.#columns = columns;
    this.places = places;
    this.#readers = parts.readers;
    this.#blobs = parts.blobs;
    this.#rules = parts.rules;
  }

  /**
   * Undefined for a model that reads no images.
   *
   * @throws IMAGES_*, INFERENCE_*
   */
  static async open(
    kernel: FeatureKernel,
    { encoders }: Pick<OpenBundle, "encoders">,
    { blobs, rules }: { readonly blobs: BlobStore; readonly rules: ImageRules },
  ): Promise<ModelImages | undefined> {
    const columns = [...imagePlaces(kernel).columns.keys()];
    if (columns.length === 0) return undefined;
    const { embeddings } = kernel;
    const readers = await ImageReaders.open({ columns, embeddings, encoders, limits: rules.limits });
    return new ModelImages(kernel, { readers, blobs, rules });
  }

  /** Requests whose images are being looked into. */
  openCalls(): number {
    return this.#open;
  }

  /**
   * The derived values of each record, NaN where they are missing or come from elsewhere.
   *
   * @throws what `onWrong` throws
   */
  async read(records: readonly InputRecord[], onWrong: OnWrongInstance): Promise<readonly Float64Array[]> {
    this.#open += 1;
    try {
      const read = await Promise.allSettled(records.map((record) => this.#readOne(record)));
      return read.map((outcome, instance) => {
        if (outcome.status === "fulfilled") return outcome.value;
        return onWrong({ instance, error: outcome.reason });
      });
    } finally {
      this.#open -= 1;
    }
  }

  /** Derived values that come from elsewhere, where there are any, with those of images. */
  beside(others: Float64Array, images: Float64Array): Float64Array {
    if (others.length === 0) return images;
    const all = others.slice();
    for (const place of this.places) all[place] = images[place]!;
    return all;
  }

  async close(): Promise<void> {
    await this.#readers.close();
  }

  async #readOne(record: InputRecord): Promise<Float64Array> {
    const values = new Float64Array(this.#width).fill(Number.NaN);
    for (const [column, numbers] of this.#columns) {
      const facts = await this.#facts(column, Object.hasOwn(record, column) ? record[column] : undefined);
      if (facts === undefined) continue;
      for (const { place, from } of numbers) values[place] = imageNumber(facts, from.number);
    }
    return values;
  }

  async #facts(field: string, value: unknown): Promise<ImageFacts | undefined> {
    try {
      const bytes = await this.#bytesOf(value);
      return bytes === undefined ? undefined : await this.#readers.read(field, bytes);
    } catch (thrown) {
      const { IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE, IMAGES_NOT_FOUND } = imagesErrors;
      const isWrong = [IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE, IMAGES_NOT_FOUND].some((code) => code.is(thrown));
      if (!isWrong || !(thrown instanceof SlipwayError)) throw thrown;
      throw featuresErrors.FEATURES_BAD_FIELD.error(`field ${JSON.stringify(field)}: ${thrown.message}`, {
        details: { field, expected: "an image in base64", got: String(thrown.details.reason) },
        cause: thrown,
        ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      });
    }
  }

  /** Undefined for what is no image at all: the kernel says what is wrong with it. */
  async #bytesOf(value: unknown): Promise<Uint8Array | undefined> {
    const text = isObject(value) && typeof value.b64 === "string" ? value.b64 : value;
    if (typeof text === "string") {
      const image = readImageText(text);
      return decodeBase64(image.kind === "base64" ? image.base64 : image.path);
    }
    if (!isObject(value) || !("digest" in value)) return undefined;
    const { digest } = value;
    if (!this.#rules.storedImages) throw notFound("is named by its digest, which this server does not allow");
    if (typeof digest !== "string" || !isDigest(digest))
      throw notFound("is named by something else than a digest");
    if (!(await this.#blobs.has(digest))) throw notFound(`${digest} is not stored`);
    return await this.#blobs.get(digest);
  }
}

function imagePlaces({ derived }: FeatureKernel): {
  readonly columns: Map<string, { readonly place: number; readonly from: ImageDerivation }[]>;
  readonly places: number[];
} {
  const columns = new Map<string, { place: number; from: ImageDerivation }[]>();
  const places: number[] = [];
  for (const [place, { from }] of derived.entries()) {
    if (from.kind !== "image") continue;
    places.push(place);
    const numbers = columns.get(from.column) ?? [];
    numbers.push({ place, from });
    columns.set(from.column, numbers);
  }
  return { columns, places };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function notFound(reason: string): Error {
  return imagesErrors.IMAGES_NOT_FOUND.error(`the image ${reason}`, { details: { reason } });
}
