import { formatIsoTime } from "../kernel/index.ts";

const YEAR_0 = -62_167_219_200_000;
const YEAR_10000 = 253_402_300_800_000;

/** An ISO time, or the bare number of milliseconds where four digits of a year do not reach. */
export function timeText(ms: number): string {
  return ms >= YEAR_0 && ms < YEAR_10000 ? formatIsoTime(ms) : `${ms} ms since 1970`;
}
