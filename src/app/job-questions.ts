import { countSeverity } from "../datasets/index.ts";
import { canonicalJson } from "../kernel/index.ts";
import { dumpDatabase, openDatabase } from "../storage/index.ts";
import type { ControlContext } from "./control-context.ts";
import { databaseTarget } from "./database-target.ts";
import type { JobQuestions } from "./job.ts";
import { readManifest } from "./snapshot-manifest.ts";

/** Answers what runners ask, from the registry, on behalf of the one who started the job. */
export function jobQuestions(context: ControlContext, actor: string): JobQuestions {
  const { registry, blobs } = context;
  return {
    latestSnapshot: async (dataset) => {
      const [latest] = await registry.snapshots(dataset);
      if (latest === undefined) return null;
      const manifest = await readManifest(context, latest.manifestBlob);
      // The new snapshot may take over parts of this one, which must not be collected before it is recorded.
      for (const { blob } of manifest.parts) await blobs.retain(blob);
      return manifest;
    },
    recordSnapshot: async (dataset, { digest, manifest }) => {
      const manifestBlob = await blobs.put(Buffer.from(canonicalJson(manifest)));
      await registry.recordSnapshot({ dataset, digest, manifestBlob, rowCount: manifest.rowCount, actor });
      return null;
    },
    snapshotBefore: async (dataset, digest) => {
      const before = await registry.snapshotBefore(dataset, digest);
      if (before === undefined) return null;
      return { digest: before.digest, manifest: await readManifest(context, before.manifestBlob) };
    },
    recordValidation: async (report) => {
      const { dataset, snapshot: digest } = report;
      const errors = countSeverity(report, "error");
      const warnings = countSeverity(report, "warning");
      await registry.recordValidation({ dataset, digest, errors, warnings, report, actor });
      return null;
    },
    champion: async (model) => {
      const champion = await registry.alias(model, "champion");
      if (champion === undefined) return null;
      const { bundle } = await registry.version(model, champion);
      return { version: champion, bundle };
    },
    dumpDatabase: async (path) => {
      // A connection of its own: reading every row must not hold up the others.
      const database = await openDatabase(databaseTarget(context.location, context.state));
      try {
        return await dumpDatabase(database, { path });
      } finally {
        await database.close();
      }
    },
  };
}
