import { systemClock } from "../kernel/index.ts";
import type { OperationOutput } from "../wire/index.ts";
import { defineCommand, flag, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatAge, formatBytes, formatDigest, formatDuration, formatQuantity } from "./format-values.ts";
import type { Output } from "./terminal.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SHOWN = 20;

export const gcCommand = defineCommand({
  name: "gc",
  summary: "Remove snapshots that nothing needs and files that nothing refers to.",
  details: [
    "Kept are the newest snapshot of each dataset, tagged ones, those that versions were built from, every version, and every bundle that the prediction log names. What was used within the grace period stays whatever it is, and so does what was used since the first unfinished run began.",
  ].join("\n\n"),
  parameters: {
    dryRun: flag("--dry-run", "Only say what would go, and how many bytes."),
    grace: option("--grace <duration>", "90m, 24h, 7d; at least a minute. Default: 24h."),
  },
  examples: ["slipway gc --dry-run", "slipway gc --grace 7d"],
  reach: "server",
  run: async ({ dryRun, grace }, session) => {
    const graceMs = grace === undefined ? undefined : parseDuration("--grace", grace);
    const collected = await session.call("gc", { dryRun, graceMs }, "looking for what refers to what");
    return { data: collected, text: (out) => describe(collected, out) };
  },
});

/** @throws CLI_USAGE */
function parseDuration(name: string, text: string): number {
  const found = /^(\d{1,6})([smhd])$/.exec(text);
  if (found) return Number(found[1]) * UNITS[found[2]!]!;
  throw cliErrors.CLI_USAGE.error(`${name}: "${text}" is not a duration`, { hint: "write 90m, 24h or 7d" });
}

function describe(collected: OperationOutput<"gc">, { paint }: Output): string {
  const { dryRun, snapshots, blobs, removed, kept, usedSince, durationMs } = collected;
  const verb = dryRun ? "would remove" : "removed";
  const recent =
    kept.recent === 0
      ? ""
      : `, ${formatQuantity(kept.recent, "files")} of it only because of the grace period (since ${usedSince})`;
  const more = removed.blobs - Math.min(SHOWN, blobs.length);
  return [
    ...snapshots.map(
      ({ dataset, digest, addedAt }) =>
        `  snapshot ${dataset}@${formatDigest(digest)}  ${paint("dim", `added ${formatAge(addedAt, systemClock())}`)}\n`,
    ),
    ...blobs
      .slice(0, SHOWN)
      .map(
        ({ digest, bytes, usedAt }) =>
          `  file ${formatDigest(digest)}  ${formatBytes(bytes)}  ${paint("dim", `used ${formatAge(usedAt, systemClock())}`)}\n`,
      ),
    more > 0 ? `  and ${formatQuantity(more, "files")} more\n` : "",
    `${paint("bold", `${verb} ${formatQuantity(snapshots.length, "snapshots")} and ${formatQuantity(removed.blobs, "files")}, ${formatBytes(removed.bytes)}`)}  ${paint("dim", formatDuration(durationMs))}\n`,
    `kept ${formatQuantity(kept.blobs, "files")}, ${formatBytes(kept.bytes)}${recent}\n`,
  ].join("");
}
