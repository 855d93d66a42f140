import { argument, defineCommand, setting } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import { formatDigest, formatDuration } from "./format-values.ts";
import { modelOrOnly, parseModelReference } from "./model-reference.ts";

export const reproduceCommand = defineCommand({
  name: "reproduce",
  summary: "Rebuild a version from its recipe, compare digests and record the verdict.",
  details: "Ends with 1 when the result differs.",
  parameters: {
    model: argument("[model]", "churn@3 or churn@champion; without a version the champion."),
    threads: setting("trainingThreads"),
  },
  examples: ["slipway reproduce churn@3"],
  reach: "server",
  run: async ({ model: given }, session) => {
    const reference = parseModelReference(await modelOrOnly(given, session));
    const result = await session.call(
      "reproduce",
      { ...reference, threads: session.settings.trainingThreads },
      "rebuilding",
    );
    const identical = result.verdict === "identical";
    return {
      data: result,
      text: ({ paint }) =>
        [
          `${paint("bold", `${result.model} v${result.version}`)} ${paint(identical ? "green" : "red", result.verdict)}  ${paint("dim", formatDuration(result.durationMs))}\n`,
          `  ${identical ? result.got : `wanted ${result.expected}\n  got    ${result.got}`}\n`,
          ...result.differences.map(
            ({ file, expected, got }) =>
              `  ${file}: wanted ${digestOrNone(expected)}, got ${digestOrNone(got)}\n`,
          ),
        ].join(""),
      exitCode: identical ? exitCodes.done : exitCodes.failed,
    };
  },
});

function digestOrNone(digest: string | null): string {
  return digest === null ? "none" : formatDigest(digest);
}
