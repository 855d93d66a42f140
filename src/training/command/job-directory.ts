import { createWriteStream } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Digest } from "../../kernel/index.ts";
import type { TrainingSet } from "../trainer.ts";
import { type ChannelName, configFiles, type JobSubject } from "./job-layout.ts";
import { type ChannelValues, channelValues, csvOf } from "./matrix-csv.ts";

/** Writes columns as one Parquet file: whole ones as 64-bit integers, others as doubles, NaN as null. */
export type WriteParquet = (
  path: string,
  columns: readonly ChannelValues[],
  signal: AbortSignal | undefined,
) => Promise<void>;

export interface JobFiles {
  readonly readCode: (digest: Digest) => Promise<Uint8Array>;
  readonly writeParquet: WriteParquet;
  readonly signal?: AbortSignal;
}

/** Makes the job directory and writes what the program is given. */
export async function fillJobDirectory(
  subject: JobSubject,
  sets: Readonly<Partial<Record<ChannelName, TrainingSet>>>,
  files: JobFiles,
): Promise<void> {
  const { layout, spec } = subject;
  const { config, data, code, model, outputData, intermediate, checkpoints } = layout;
  for (const directory of [config, data, code, model, outputData, intermediate, checkpoints])
    await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(configFiles(subject)))
    await writeFile(join(config, name), JSON.stringify(content, null, 2));
  for (const { path, digest, executable } of spec.files) {
    const target = join(code, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, await files.readCode(digest));
    if (executable) await chmod(target, 0o755);
  }
  for (const channel of subject.channels) {
    const set = sets[channel];
    if (set !== undefined) await writeChannel(subject, { channel, set }, files);
  }
}

async function writeChannel(
  { layout, spec, columns }: JobSubject,
  { channel, set }: { readonly channel: ChannelName; readonly set: TrainingSet },
  { writeParquet, signal }: JobFiles,
): Promise<void> {
  const directory = join(layout.data, channel);
  await mkdir(directory, { recursive: true });
  for (const format of spec.channels) {
    const path = join(directory, `${channel}.${format}`);
    signal?.throwIfAborted();
    if (format === "parquet") await writeParquet(path, channelValues(set, columns), signal);
    else
      await pipeline(
        Readable.from(csvOf(set, columns)),
        createWriteStream(path),
        ...(signal === undefined ? [] : [{ signal }]),
      );
  }
}

const LONGEST_REASON = 1024;

/** What the program wrote to `output/failure`; undefined when it wrote nothing. */
export async function readFailure({ layout }: JobSubject): Promise<string | undefined> {
  try {
    const text = (await readFile(layout.failure, "utf8")).trim().slice(0, LONGEST_REASON);
    return text === "" ? undefined : text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
