/** Numbers in the sentences of anomalies. */

/** `1 row`, `12,345 rows` */
export function countText(count: number, unit: string): string {
  const digits = String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return `${digits} ${count === 1 ? unit.replace(/s$/, "") : unit}`;
}

/** `0.35 %`; never 0 or 100 for what is not quite. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0001) return "less than 0.01 %";
  if (share < 1 && share > 0.9999) return "more than 99.99 %";
  return `${trimmed((share * 100).toFixed(2))} %`;
}

/** At most four digits after the point. */
export function numberWord(value: number): string {
  return Math.abs(value) >= 0.0001 || value === 0 ? trimmed(value.toFixed(4)) : value.toPrecision(2);
}

function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}

const STEPS = 10_000;

/** The value in ten thousandths, rounded up: a limit that it keeps. */
export function atLeastAsLarge(value: number): number {
  const steps = Math.ceil(value * STEPS);
  return steps / STEPS >= value ? steps / STEPS : (steps + 1) / STEPS;
}

/** The same, rounded down. */
export function atMostAsLarge(value: number): number {
  const steps = Math.floor(value * STEPS);
  return steps / STEPS <= value ? steps / STEPS : (steps - 1) / STEPS;
}
