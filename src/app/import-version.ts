import { outputWidth } from "../bundle/index.ts";
import { type Digest, shortDigest } from "../kernel/index.ts";
import type { ImportRecipe, Recipe } from "../pipeline/index.ts";
import type { CarriedVersion, Version } from "../registry/index.ts";
import { archiveDamaged, type BlobStore, storageErrors } from "../storage/index.ts";
import { programDigest } from "../training/index.ts";
import { controlOperations, type OperationContext, type OperationOutput } from "../wire/index.ts";
import { isCodeSigned, signCode } from "./code-signatures.ts";
import { type ControlContext, isoTime } from "./control-context.ts";
import type { UnpackedModel } from "./job.ts";
import { jobQuestions } from "./job-questions.ts";
import { runJob } from "./runner.ts";
import { publishAndAwait } from "./take-up.ts";
import { versionDetail } from "./version-detail.ts";

export interface VersionFile {
  readonly file: string;
  /** Name to register it under. Default: the one that it had. */
  readonly model: string | undefined;
  /** Run custom code that another installation has signed; the journal keeps who allowed it. */
  readonly allowCode: boolean;
  readonly reason: string | undefined;
  readonly call: OperationContext;
}

/**
 * Registers a version that another installation has exported, with its lineage and where it comes from.
 *
 * @throws STORAGE_ARCHIVE_DAMAGED, STORAGE_ARCHIVE_UNSUPPORTED, and what keeps its bundle from being served
 */
export async function importVersion(
  context: ControlContext,
  { file, model: wanted, allowCode, reason, call }: VersionFile,
): Promise<OperationOutput<"models.import">> {
  const { registry, clock, blobs } = context;
  const startedAt = clock();
  const unpacked = await runJob(
    { kind: "unpack-model", file, allowCode },
    {
      blobs: context.state.blobs,
      signed: context.state,
      questions: jobQuestions(context, call.actor),
      onEvent: call.onProgress,
      signal: AbortSignal.any([call.signal, context.closing]),
    },
  );
  checkRecords(file, unpacked);
  const { carried, signature } = unpacked;
  const from = writerOf(carried);
  const model = wanted ?? from.model;
  await retainAll(blobs, carried);
  await allow(context, { model, unpacked, call, allowCode });
  const { version, alreadyRegistered, status, champion } = await registry.registerVersion({
    ...carried.version,
    ...{ model, run: null, actor: call.actor, origin: carried.origin, championIfFirst: true },
    reason: reason ?? `imported from ${shortDigest(from.installation)}`,
  });
  if (champion) await publishAndAwait(context);
  const { task, classes } = signature.output;
  return {
    ...{ model, version, alreadyRegistered, status, champion },
    bundle: carried.version.bundle,
    task,
    outputs: outputWidth(signature.output),
    ...(classes === undefined ? {} : { classes }),
    inputs: signature.inputs.length,
    from: {
      installation: from.installation,
      model: from.model,
      version: from.version,
      registeredAt: isoTime(from.registeredAt),
      actor: from.actor,
    },
    durationMs: clock() - startedAt,
  };
}

/**
 * Code from elsewhere is signed by this installation too, so that its workers run it; and so is, where that is wanted, the
 * program that trained the version, so that it may be reproduced.
 */
async function allow(
  context: ControlContext,
  allowed: {
    readonly model: string;
    readonly unpacked: UnpackedModel;
    readonly call: OperationContext;
    readonly allowCode: boolean;
  },
): Promise<void> {
  const { code, carried } = allowed.unpacked;
  const recipe = carried.version.recipe as unknown as Recipe | ImportRecipe;
  const isTrained = recipe.format === "slipway.recipe/1";
  const program = isTrained && allowed.allowCode ? programDigest(recipe.trainer) : undefined;
  for (const digest of [code, program]) if (digest !== undefined) await allowOne(context, digest, allowed);
}

async function allowOne(
  { state, registry }: ControlContext,
  code: Digest,
  allowed: { readonly model: string; readonly unpacked: UnpackedModel; readonly call: OperationContext },
): Promise<void> {
  if (isCodeSigned(state, code)) return;
  const { carried } = allowed.unpacked;
  const { installation, version } = writerOf(carried);
  await registry.notePortable({
    action: "code.allowed",
    model: allowed.model,
    actor: allowed.call.actor,
    details: { code, bundle: carried.version.bundle, origin: { installation, version } },
  });
  signCode(state, code);
}

/** The installation that wrote the file. */
function writerOf({ origin }: CarriedVersion): CarriedVersion["origin"][number] {
  const last = origin.at(-1);
  if (last === undefined) throw new Error("a version was carried without its origin");
  return last;
}

/** Metrics, gates and recipe must be such that the version can be shown. */
function checkRecords(file: string, { carried, signature }: UnpackedModel): void {
  const { actor, reason, registeredAt, model, version } = writerOf(carried);
  const shown: Version = {
    ...carried.version,
    ...{ model, version, actor, reason, registeredAt, origin: carried.origin, aliases: [], run: null },
  };
  let fault = "";
  try {
    const parsed = controlOperations["models.show"].output.safeParse(
      versionDetail(shown, { signature, reproductions: [] }),
    );
    if (parsed.success && parsed.data.task === signature.output.task) return;
    fault = parsed.error?.issues[0]?.path.join(".") ?? "task";
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    fault = thrown.message;
  }
  throw archiveDamaged(file, `its records are not those of a version (${fault})`);
}

/** Garbage collection must not take what is about to be registered. */
async function retainAll(blobs: BlobStore, { blobs: brought }: CarriedVersion): Promise<void> {
  for (const { digest } of brought) {
    if (await blobs.retain(digest)) continue;
    throw storageErrors.STORAGE_FILE_CHANGED.error(
      `blob ${digest} has been removed while it was to be registered: garbage was collected meanwhile`,
      { details: { digest }, hint: "Repeat the command." },
    );
  }
}
