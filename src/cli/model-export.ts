import { resolve } from "node:path";
import { argument, defineCommand, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatBytes, formatDigest } from "./format-values.ts";
import { parseModelReference } from "./model-reference.ts";

export const modelExportCommand = defineCommand({
  name: "export",
  summary: "Write a version with its lineage to one file, for another installation.",
  details: [
    "The file holds the bundle, metrics, gates, recipe, what the journal says about the version, and where it was registered before; it is signed with this installation's key. The data that the version was trained from stays here. `slipway model import` takes it there.",
    "It is a tar file; the same version gives the same bytes.",
  ].join("\n\n"),
  parameters: {
    model: argument("<model>", "churn@3 or churn@champion; without a version the champion."),
    out: option("--out <path>", "The file to write, or a folder for it; it appears whole or not at all."),
    reason: option("--reason <text>", "Why, for the journal."),
  },
  examples: ["slipway model export churn@3 --out churn-3.slipway"],
  reach: "server",
  run: async ({ model, out, reason }, session) => {
    if (out === undefined) throw cliErrors.CLI_USAGE.error("say where to write: --out churn-3.slipway");
    const exported = await session.call(
      "models.export",
      { ...parseModelReference(model), out: resolve(out), reason },
      "writing",
    );
    return {
      data: exported,
      text: ({ paint }) =>
        `${paint("bold", `${exported.model}@${exported.version}`)} to ${exported.out}  ${formatBytes(exported.bytes)}  ${paint("dim", `bundle ${formatDigest(exported.bundle)}, from installation ${formatDigest(exported.installation)}`)}\n`,
    };
  },
});
