import { Command, Option } from "commander";
import { type Setting, type SettingKey, settingTable } from "../config/index.ts";
import { cliErrors } from "./errors.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Session } from "./session.ts";
import type { Output } from "./terminal.ts";

/** One thing a command takes: an argument, an option of its own, or a setting that also has an environment variable. */
export type Parameter<Value> =
  | {
      readonly kind: "argument";
      readonly usage: string;
      readonly doc: string;
      readonly parse: (text: string) => Value;
    }
  | {
      readonly kind: "option";
      readonly usage: string;
      readonly doc: string;
      /** `true` for an option without a value. */
      readonly parse: (given: string | true) => Value;
    }
  | { readonly kind: "setting"; readonly key: SettingKey; readonly phantom?: Value };

/** `<name>` must be given, `[name]` may be. */
export const argument = <const Usage extends string>(
  usage: Usage,
  doc: string,
): Parameter<Usage extends `<${string}` ? string : string | undefined> => ({
  kind: "argument",
  usage,
  doc,
  parse: (text) => text as Usage extends `<${string}` ? string : string | undefined,
});

export const flag = (usage: string, doc: string): Parameter<boolean | undefined> => ({
  kind: "option",
  usage,
  doc,
  parse: () => true,
});

export const option = (usage: string, doc: string): Parameter<string | undefined> => ({
  kind: "option",
  usage,
  doc,
  parse: String,
});

/** @throws CLI_USAGE for what is not a whole number of at least 1 */
export const countOption = (usage: string, doc: string): Parameter<number | undefined> => ({
  kind: "option",
  usage,
  doc,
  parse: (given) => {
    if (/^[1-9]\d{0,8}$/.test(String(given))) return Number(given);
    throw cliErrors.CLI_USAGE.error(`${usage.split(" ")[0]}: "${given}" is not a whole number of at least 1`);
  },
});

/** Its value is read through `session.settings`. */
export const setting = (key: SettingKey): Parameter<undefined> => ({ kind: "setting", key });

type Values<Parameters> = {
  readonly [Key in keyof Parameters]: Parameters[Key] extends Parameter<infer Value> ? Value : never;
};

/** What a command has to say. */
export interface Answer {
  /** Printed by `--json`, as it is. */
  readonly data: unknown;
  /** Printed otherwise. */
  readonly text: (out: Output) => string;
  /** Default 0. */
  readonly exitCode?: ExitCode;
}

export interface CommandSpec<Parameters extends Readonly<Record<string, Parameter<unknown>>>> {
  readonly name: string;
  readonly summary: string;
  /** Paragraphs below the summary in the help. */
  readonly details?: string;
  readonly parameters: Parameters;
  readonly examples: readonly string[];
  /** `server`: it talks to a control plane. `local`: it works on this machine alone. */
  readonly reach: "server" | "local";
  /** `undefined` when the command has said all it had to say while it ran. */
  readonly run: (values: Values<Parameters>, session: Session) => Promise<Answer | undefined>;
  readonly subcommands?: readonly CommandDefinition[];
}

export interface CommandDefinition {
  readonly name: string;
  build(start: StartSession): Command;
}

/** Runs a command's work with the session that its settings and options make. */
export type StartSession = (
  given: { readonly flags: Readonly<Partial<Record<SettingKey, string | true>>>; readonly json: boolean },
  work: (session: Session) => Promise<Answer | undefined>,
) => Promise<void>;

const EVERYWHERE: readonly SettingKey[] = ["projectDirectory", "stateDirectory", "noColor", "debug"];
const TO_A_SERVER: readonly SettingKey[] = ["serverUrl", "token"];

/** A command that only holds others: `data` of `data add`. */
export function defineGroup(spec: {
  readonly name: string;
  readonly summary: string;
  readonly examples: readonly string[];
  readonly subcommands: readonly CommandDefinition[];
}): CommandDefinition {
  return {
    name: spec.name,
    build: (start) => {
      const command = new Command(spec.name).summary(spec.summary).description(spec.summary);
      for (const subcommand of spec.subcommands) command.addCommand(subcommand.build(start));
      return command.addHelpText("after", examplesText(spec.examples));
    },
  };
}

export function defineCommand<const Parameters extends Readonly<Record<string, Parameter<unknown>>>>(
  spec: CommandSpec<Parameters>,
): CommandDefinition {
  return { name: spec.name, build: (start) => buildCommand(spec, start) };
}

function buildCommand<Parameters extends Readonly<Record<string, Parameter<unknown>>>>(
  spec: CommandSpec<Parameters>,
  start: StartSession,
): Command {
  const command = new Command(spec.name).summary(spec.summary).description(describe(spec));
  const entries = Object.entries(spec.parameters);
  for (const [, parameter] of entries) declare(command, parameter);
  command.addOption(new Option("--json", "Print the answer as JSON.").helpGroup("Everywhere:"));
  for (const key of [...(spec.reach === "server" ? TO_A_SERVER : []), ...EVERYWHERE]) {
    command.addOption(settingOption(key).helpGroup("Everywhere:"));
  }
  command.addHelpText("after", examplesText(spec.examples));
  for (const subcommand of spec.subcommands ?? []) command.addCommand(subcommand.build(start));
  command.action(async (...received: unknown[]) => {
    const given: Record<string, unknown> = command.opts();
    await start({ flags: flagsOf(given), json: given.json === true }, (session) =>
      spec.run(valuesOf(entries, { received, given }) as Values<Parameters>, session),
    );
  });
  return command;
}

const examplesText = (examples: readonly string[]): string =>
  `\nExamples:\n${examples.map((example) => `  $ ${example}\n`).join("")}`;

function describe({ summary, details }: { readonly summary: string; readonly details?: string }): string {
  return details === undefined ? summary : `${summary}\n\n${details}`;
}

function declare(command: Command, parameter: Parameter<unknown>): void {
  switch (parameter.kind) {
    case "argument":
      command.argument(parameter.usage, parameter.doc);
      break;
    case "option":
      command.addOption(new Option(parameter.usage, parameter.doc));
      break;
    case "setting":
      command.addOption(settingOption(parameter.key));
      break;
  }
}

/** A setting's flag; its default is left to the table, so that the environment is not overruled by it. */
function settingOption(key: SettingKey): Option {
  const { flag: usage, doc, env }: Setting<unknown> = settingTable[key];
  if (usage === undefined) throw new Error(`the setting ${key} has no flag`);
  return new Option(usage, `${doc} (${env})`);
}

/** The settings among commander's values. Of `--no-color` it makes `color: false`, and `true` when it is not given. */
function flagsOf(given: Readonly<Record<string, unknown>>): Partial<Record<SettingKey, string | true>> {
  const flags: Partial<Record<SettingKey, string | true>> = {};
  for (const [key, { flag: usage }] of Object.entries<Setting<unknown>>(settingTable)) {
    if (usage === undefined) continue;
    const parsed = new Option(usage);
    const value = given[parsed.attributeName()];
    if (parsed.negate ? value === false : typeof value === "string" || value === true) {
      flags[key as SettingKey] = typeof value === "string" ? value : true;
    }
  }
  return flags;
}

function valuesOf(
  entries: readonly (readonly [string, Parameter<unknown>])[],
  {
    received,
    given,
  }: { readonly received: readonly unknown[]; readonly given: Readonly<Record<string, unknown>> },
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let position = 0;
  for (const [key, parameter] of entries) {
    if (parameter.kind === "setting") continue;
    const value =
      parameter.kind === "argument"
        ? received[position++]
        : given[new Option(parameter.usage).attributeName()];
    values[key] = value === undefined ? undefined : parameter.parse(value as never);
  }
  return values;
}
