import { dirname } from "node:path";
import type { OpenBundle } from "../bundle/index.ts";
import type { ImageTable } from "../datasets/index.ts";
import type { FeatureKernel } from "../features/index.ts";
import { type ImageFacts, ImageReaders, imagesErrors, loadImageText } from "../images/index.ts";
import { SlipwayError, type StringColumn, type Table } from "../kernel/index.ts";
import { withImageColumns } from "./image-columns.ts";

/** How many images are worked on at a time. */
const PARALLEL = 4;

/** The derived columns of the rows of a file that come from its images, block by block. */
export interface FileImages {
  /** @param firstRow the number of the block's first row in the file, from 0 */
  withColumns(block: Table, firstRow: number): Promise<Table>;
  close(): Promise<void>;
}

/**
 * Reads the images that a file names, or holds in base64, as they were read when the model was trained. Paths are relative to
 * the file.
 *
 * @throws IMAGES_*, INFERENCE_*
 */
export async function openFileImages(
  kernel: FeatureKernel,
  { encoders }: Pick<OpenBundle, "encoders">,
  file: string,
): Promise<FileImages> {
  const { derived, embeddings } = kernel;
  const columns = [...new Set(derived.flatMap(({ from }) => (from.kind === "image" ? [from.column] : [])))];
  if (columns.length === 0) return { withColumns: async (block) => block, close: async () => undefined };
  const readers = await ImageReaders.open({ columns, embeddings, encoders });
  const places = { file, root: dirname(file) };
  return {
    withColumns: async (block, firstRow) => {
      const images = new Map<string, ImageTable>();
      for (const column of columns) {
        const texts = block.columns.get(column);
        if (texts?.kind !== "string") continue;
        const read = (text: string) =>
          loadImageText(text, places).then((bytes) => readers.read(column, bytes));
        const facts = await readEach(texts, read, (row, thrown) =>
          badImage(thrown, { file, row: firstRow + row + 1, column }),
        );
        const embedding = embeddings.get(column);
        images.set(column, { decoder: "", ...(embedding === undefined ? {} : { embedding }), facts });
      }
      return withImageColumns(withoutEmpty(block, columns), derived, { images, embeddings });
    },
    close: () => readers.close(),
  };
}

/** What is known of each text that rows have, a few at a time. */
async function readEach(
  { codes, dictionary }: StringColumn,
  read: (text: string) => Promise<ImageFacts>,
  bad: (row: number, thrown: unknown) => unknown,
): Promise<Map<string, ImageFacts>> {
  const facts = new Map<string, ImageFacts>();
  const firstRows = new Map<string, number>();
  for (const [row, code] of codes.entries()) {
    const text = dictionary[code];
    if (text !== undefined && text !== "" && !firstRows.has(text)) firstRows.set(text, row);
  }
  const waiting = [...firstRows];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [text, row] = next;
      try {
        facts.set(text, await read(text));
      } catch (thrown) {
        throw bad(row, thrown);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return facts;
}

/** An empty text is no image. */
function withoutEmpty(block: Table, columns: readonly string[]): Table {
  const changed = new Map(block.columns);
  for (const name of columns) {
    const column = block.columns.get(name);
    if (column?.kind !== "string") continue;
    const empty = column.dictionary.indexOf("");
    if (empty >= 0)
      changed.set(name, { ...column, codes: column.codes.map((code) => (code === empty ? -1 : code)) });
  }
  return { ...block, columns: changed };
}

function badImage(
  thrown: unknown,
  { file, row, column }: { readonly file: string; readonly row: number; readonly column: string },
): unknown {
  const { IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE, IMAGES_NOT_FOUND } = imagesErrors;
  const factory = [IMAGES_BAD_IMAGE, IMAGES_TOO_LARGE, IMAGES_NOT_FOUND].find((code) => code.is(thrown));
  if (factory === undefined || !(thrown instanceof SlipwayError)) return thrown;
  return factory.error(`${file}, row ${row}, column ${column}: ${thrown.message}`, {
    details: { ...thrown.details, file, row, column },
    cause: thrown,
    ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
  });
}
