import {
  type BundleFile,
  type BundleManifest,
  bundleDigest,
  type CodeTrust,
  manifestOf,
  noCode,
  writeBundle,
} from "../bundle/index.ts";
import { readSnapshot, type SnapshotManifest } from "../datasets/index.ts";
import type { Digest } from "../kernel/index.ts";
import type { BlobStore } from "../storage/index.ts";
import { programDigest } from "../training/index.ts";
import { buildBundle } from "./build.ts";
import { readImageTables } from "./image-columns.ts";
import type { Recipe } from "./recipe.ts";
import type { ReportRun } from "./run-event.ts";
import { type ProgramSurroundings, trainerPorts } from "./trainer-ports.ts";

export interface ReproduceRequest {
  readonly recipe: Recipe;
  readonly snapshot: SnapshotManifest;
  /** The manifest of the bundle that the recipe gave when the version was registered. */
  readonly expected: BundleManifest;
  readonly blobs: BlobStore;
  /** Whether custom code may run. Default: it may not. */
  readonly trust?: CodeTrust;
  readonly threads: number;
  readonly report: ReportRun;
  /** For trainers that are programs; without it they are refused. */
  readonly programs?: ProgramSurroundings;
  readonly signal?: AbortSignal;
}

/** The verdict on a version: do its recipe and this code still give the same bytes? */
export interface Reproduction {
  readonly verdict: "identical" | "different";
  readonly expected: Digest;
  readonly got: Digest;
  readonly differences: readonly {
    readonly file: BundleFile;
    /** null where only the other bundle has the file. */
    readonly expected: Digest | null;
    readonly got: Digest | null;
  }[];
}

/**
 * Rebuilds a bundle from its recipe and compares digests, file by file. A bundle that comes out identical is written: what
 * is whole stays as it is, a file that was missing or damaged is there again. One that differs is not stored.
 *
 * @throws BUNDLE_CODE_UNTRUSTED for custom functions and programs that this installation has not signed
 */
export async function reproduceBundle(request: ReproduceRequest): Promise<Reproduction> {
  const { recipe, expected, blobs, report, trust = noCode } = request;
  const program = programDigest(recipe.trainer);
  if (program !== undefined) await trust(program);
  const table = await readSnapshot(request.snapshot, {
    blobs,
    columns: recipe.columns.map(({ name }) => name),
  });
  const code = await codeOf(recipe, request);
  const build = await buildBundle(recipe, table, {
    images: { tables: await readImageTables(request.snapshot, blobs), blobs },
    threads: request.threads,
    code,
    onIteration: ({ iteration, of, metric, train, validate }) =>
      report({ kind: "iteration", iteration, of, metric, train: train ?? null, validate: validate ?? null }),
    ...(await trainerPorts(recipe.trainer, request)),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  await build.engine.close();
  const reproduction = compareWithExpected(manifestOf(build.parts), expected);
  if (reproduction.verdict === "identical") await writeBundle(blobs, build.parts);
  return reproduction;
}

/** The custom code that the recipe names. @throws BUNDLE_CODE_UNTRUSTED, STORAGE_BLOB_MISSING, STORAGE_BLOB_DAMAGED */
async function codeOf(
  { code }: Recipe,
  { blobs, trust = noCode }: Pick<ReproduceRequest, "blobs" | "trust">,
): Promise<string | undefined> {
  if (code === undefined) return undefined;
  await trust(code);
  return (await blobs.get(code)).toString("utf8");
}

/** The verdict on a rebuilt bundle, file by file. */
export function compareWithExpected(manifest: BundleManifest, expected: BundleManifest): Reproduction {
  const files = Object.keys({ ...expected.files, ...manifest.files }) as BundleFile[];
  const differences = files
    .map((file) => ({
      file,
      expected: expected.files[file]?.digest ?? null,
      got: manifest.files[file]?.digest ?? null,
    }))
    .filter((pair) => pair.expected !== pair.got);
  const got = bundleDigest(manifest);
  const wanted = bundleDigest(expected);
  return { verdict: got === wanted ? "identical" : "different", expected: wanted, got, differences };
}
