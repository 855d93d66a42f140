/** What a setting is, before anybody reads one. */
export interface Setting<Value> {
  readonly env: string;
  /** As commander writes it: `--port <number>`. Absent for what must not stand in a process list. */
  readonly flag?: string;
  readonly unit?: string;
  readonly default: (machine: Machine) => Value;
  /** The default in words, where it depends on the machine or is not a plain value. */
  readonly defaultText?: string;
  /** What is accepted, continuing "… is wanted": `a whole number from 0 to 65535`. */
  readonly wants: string;
  /** `undefined` when the text is not what is wanted. */
  readonly parse: (text: string) => Value | undefined;
  readonly doc: string;
  /** Never printed. */
  readonly secret?: boolean;
}

/** What defaults may depend on. */
export interface Machine {
  readonly cores: number;
  readonly user: string;
  readonly workingDirectory: string;
}

type Description<Value> = Pick<Setting<Value>, "env" | "flag" | "doc" | "unit" | "secret" | "defaultText">;

interface WithDefault<Value> {
  readonly default: Value | ((machine: Machine) => Value);
}

const defaultOf = <Value extends string | number | boolean | undefined | readonly string[]>(
  value: Value | ((machine: Machine) => Value),
): ((machine: Machine) => Value) => (typeof value === "function" ? value : () => value);

export function wholeNumber(
  from: number,
  to: number,
  { default: fallback, ...description }: Description<number> & WithDefault<number>,
): Setting<number> {
  return {
    ...description,
    default: defaultOf(fallback),
    wants: `a whole number from ${from} to ${to}`,
    parse: (text) => {
      if (!/^\d{1,15}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= from && value <= to ? value : undefined;
    },
  };
}

/** A number from 0 to 1. */
export function share({
  default: fallback,
  ...description
}: Description<number> & { readonly default: number }): Setting<number> {
  return {
    ...description,
    default: () => fallback,
    wants: "a number from 0 to 1",
    parse: (text) => {
      if (!/^\d*\.?\d+$/.test(text)) return undefined;
      const value = Number(text);
      return value <= 1 ? value : undefined;
    },
  };
}

const SIZE = /^(\d{1,12})\s*(b|kib|mib|gib|kb|mb|gb)?$/i;
const KIBIBYTE = 1024;
const MEBIBYTE = 1024 * KIBIBYTE;
const GIBIBYTE = 1024 * MEBIBYTE;
const FACTORS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 * 1000,
  gb: 1000 * 1000 * 1000,
  kib: KIBIBYTE,
  mib: MEBIBYTE,
  gib: GIBIBYTE,
};

/** A number of bytes, with or without a unit: `8388608`, `8 MiB`, `10MB`. */
export function byteSize(
  from: number,
  to: number,
  { default: fallback, ...description }: Description<number> & WithDefault<number>,
): Setting<number> {
  return {
    ...description,
    unit: "bytes",
    default: defaultOf(fallback),
    wants: `a size from ${formatByteSize(from)} to ${formatByteSize(to)}, such as 8388608, 8MiB or 10MB,`,
    parse: (text) => {
      const match = SIZE.exec(text.trim());
      if (match === null) return undefined;
      const factor = FACTORS[(match[2] ?? "b").toLowerCase()] ?? 1;
      const value = Number(match[1]) * factor;
      return value >= from && value <= to ? value : undefined;
    },
  };
}

/** `8 MiB`: the largest binary unit that leaves a whole number. */
export function formatByteSize(bytes: number): string {
  for (const [unit, factor] of [
    ["GiB", GIBIBYTE],
    ["MiB", MEBIBYTE],
    ["KiB", KIBIBYTE],
  ] as const) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} bytes`;
}

export function oneOf<const Choice extends string>(
  choices: readonly Choice[],
  { default: fallback, ...description }: Description<Choice> & { readonly default: Choice },
): Setting<Choice> {
  return {
    ...description,
    default: () => fallback,
    wants: choices.map((choice) => `"${choice}"`).join(" or "),
    parse: (text) => choices.find((choice) => choice === text),
  };
}

/** On when the variable is set to anything but nothing, `0` and `false`. */
export function toggle(description: Description<boolean>): Setting<boolean> {
  return {
    ...description,
    default: () => false,
    wants: "1, 0, true or false",
    parse: (text) => !["", "0", "false"].includes(text.toLowerCase()),
  };
}

export function text(
  { default: fallback, ...description }: Description<string> & WithDefault<string>,
  accept: Acceptance = notEmpty,
): Setting<string> {
  return { ...description, ...acceptance(accept), default: defaultOf(fallback) };
}

export function optionalText(
  description: Description<string | undefined>,
  accept: Acceptance = notEmpty,
): Setting<string | undefined> {
  return { ...description, ...acceptance(accept), default: () => undefined, defaultText: "not set" };
}

/** Names separated by commas. */
export function listOfText(
  description: Description<readonly string[]>,
  accept: Acceptance,
): Setting<readonly string[]> {
  return {
    ...description,
    default: () => [],
    defaultText: "none",
    wants: `a list, separated by commas, of ${accept.wants}`,
    parse: (value) => {
      const parts = value.split(",").map((part) => part.trim());
      return parts.every((part) => accept.test(part)) ? parts : undefined;
    },
  };
}

export interface Acceptance {
  readonly wants: string;
  readonly test: (text: string) => boolean;
}

const notEmpty: Acceptance = { wants: "a text that is not empty", test: (value) => value.trim() !== "" };

const acceptance = ({ wants, test }: Acceptance): Pick<Setting<string>, "wants" | "parse"> => ({
  wants,
  parse: (value) => (test(value) ? value : undefined),
});
