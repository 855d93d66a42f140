import { type Clock, systemClock } from "../kernel/index.ts";
import { cliErrors } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A time as people write it, as ISO 8601 in UTC: a date, a date and time (UTC unless it names a zone), or how long
 * ago (`90s`, `15m`, `24h`, `7d`).
 *
 * @throws CLI_USAGE naming the option
 */
export function parseInstant(option: string, text: string, clock: Clock = systemClock): string {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return new Date(clock() - Number(ago[1]) * UNITS[ago[2]!]!).toISOString();
  const absolute =
    /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  if (absolute) {
    const zoned = text.length > 10 && absolute[1] === undefined ? `${text}Z` : text;
    const ms = Date.parse(zoned.replace(" ", "T"));
    if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  }
  throw cliErrors.CLI_USAGE.error(`${option}: "${text}" is not a time`, {
    hint: "write 2026-01-31, 2026-01-31T12:00:00Z, or how long ago: 90s, 15m, 24h, 7d",
  });
}
