import { availableParallelism, userInfo } from "node:os";
import { configErrors } from "./errors.ts";
import type { Machine, Setting } from "./setting.ts";
import { type SettingKey, type Settings, settingTable } from "./settings.ts";

export interface SettingSources {
  /** What the command line gave, by key; `true` for flags without a value. */
  readonly flags?: Readonly<Partial<Record<SettingKey, string | true>>>;
  /** Default: the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly machine?: Machine;
}

/**
 * Settings from flags, environment and defaults, in this order of precedence. An environment variable that is set
 * to nothing counts as not set.
 *
 * @throws CONFIG_BAD_VALUE naming the setting, where its value came from, and what is accepted.
 */
export function readSettings(sources: SettingSources = {}): Settings {
  return read(Object.keys(settingTable) as SettingKey[], sources);
}

const OUTPUT_SETTINGS = ["noColor", "forceColor", "continuousIntegration", "debug"] as const;

/** The settings of which every value is accepted, so that an error about another one can be printed as wanted. */
export function readOutputSettings(
  sources: SettingSources = {},
): Pick<Settings, (typeof OUTPUT_SETTINGS)[number]> {
  return read(OUTPUT_SETTINGS, sources);
}

function read<Key extends SettingKey>(keys: readonly Key[], sources: SettingSources): Pick<Settings, Key> {
  const environment = sources.environment ?? process.env;
  const machine = sources.machine ?? thisMachine();
  const values: Record<string, unknown> = {};
  for (const key of keys) {
    const setting: Setting<unknown> = settingTable[key];
    const flag = sources.flags?.[key];
    const variable = environment[setting.env];
    if (flag !== undefined) {
      values[key] = parse({ key, setting, text: flag === true ? "1" : flag, origin: flagName(setting) });
    } else if (variable !== undefined && variable !== "") {
      values[key] = parse({ key, setting, text: variable, origin: `environment variable ${setting.env}` });
    } else {
      values[key] = setting.default(machine);
    }
  }
  return values as Pick<Settings, Key>;
}

/** `--port` of `--port <number>`. */
function flagName(setting: Setting<unknown>): string {
  return setting.flag?.split(" ")[0] ?? setting.env;
}

function parse(given: {
  readonly key: string;
  readonly setting: Setting<unknown>;
  readonly text: string;
  readonly origin: string;
}): unknown {
  const { key, setting, text, origin } = given;
  const value = setting.parse(text);
  if (value !== undefined) return value;
  const shown = setting.secret ? "the value given" : `"${text.slice(0, 80)}"`;
  throw configErrors.CONFIG_BAD_VALUE.error(
    `${origin}: ${shown} is not accepted: ${setting.wants} is wanted`,
    {
      details: {
        key,
        source: origin,
        wants: setting.wants,
        ...(setting.secret ? {} : { value: text.slice(0, 80) }),
      },
    },
  );
}

function thisMachine(): Machine {
  return { cores: availableParallelism(), user: userName(), workingDirectory: process.cwd() };
}

/** Containers run under user ids that have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
