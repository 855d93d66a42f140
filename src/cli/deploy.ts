import type { OperationOutput } from "../wire/index.ts";
import { argument, defineCommand, flag, option } from "./command.ts";
import { modelOrOnly, parseVersionedModel } from "./model-reference.ts";
import { type Output, printable } from "./terminal.ts";

export const deployCommand = defineCommand({
  name: "deploy",
  summary: "Make a version the champion: the one that answers predictions.",
  details:
    "A running server takes it up without a failed request. A version that its gates rejected wants --force.",
  parameters: {
    version: argument("<model@version>", "The version, such as churn@3."),
    reason: option("--reason <text>", "Why, for the journal."),
    force: flag("--force", "Deploy although its gates rejected it; the journal keeps that."),
  },
  examples: ['slipway deploy churn@3 --reason "better on new customers"'],
  reach: "server",
  run: async ({ version, reason, force }, session) => {
    const target = parseVersionedModel(version);
    const deployed = await session.call("deploy", { ...target, reason, force: force ?? false }, "deploying");
    return { data: deployed, text: (out) => describe(deployed, out) };
  },
});

export const rollbackCommand = defineCommand({
  name: "rollback",
  summary: "Make the version that was champion before champion again.",
  parameters: {
    model: argument("[model]", "The model; not needed when the project has one."),
    reason: option("--reason <text>", "Why, for the journal."),
  },
  examples: ['slipway rollback churn --reason "complaints from sales"'],
  reach: "server",
  run: async ({ model: given, reason }, session) => {
    const model = await modelOrOnly(given, session);
    const deployed = await session.call("rollback", { model, reason }, "rolling back");
    return { data: deployed, text: (out) => describe(deployed, out) };
  },
});

function describe(deployed: OperationOutput<"deploy">, { paint }: Output): string {
  const { model, version, previous, generation, forced, takenUp } = deployed;
  const warnings = [
    ...takenUp.problems,
    ...takenUp.behind.map(
      (pid) => `worker ${pid} does not serve it yet; \`slipway status\` shows when it does`,
    ),
  ].map((warning) => `${paint("yellow", "!")} ${printable(warning)}\n`);
  const before =
    previous === null ? "nothing" : previous === version ? `v${previous} already` : `v${previous}`;
  return `${paint("bold", model)} serves ${paint("green", `v${version}`)}, before: ${before}  ${paint("dim", `generation ${generation}`)}${forced ? paint("yellow", "  forced") : ""}\n${warnings.join("")}`;
}
