import { formatByteSize, type Machine, type Setting } from "./setting.ts";
import { settingTable } from "./settings.ts";

/** Defaults that depend on the machine have a text of their own, so that this one never shows. */
const NO_MACHINE: Machine = { cores: 2, user: "", workingDirectory: "" };

/** The text of `docs/reference/configuration.md`. */
export function settingsReference(): string {
  const rows = Object.entries<Setting<unknown>>(settingTable).map(([key, setting]) =>
    [
      `\`${setting.env}\``,
      setting.flag === undefined ? "" : `\`${setting.flag.replaceAll("|", "\\|")}\``,
      describeDefault(setting),
      `${setting.doc} ${capitalised(setting.wants.replace(/,$/, ""))}.${setting.secret ? " Never printed." : ""}`,
      `\`${key}\``,
    ].join(" | "),
  );
  return `# Configuration

<!-- Written by scripts/generate-configuration-reference.ts from src/config/settings.ts: change that table, not this page. -->

Every setting has an environment variable; most have a flag on the commands that read them. A flag wins over the
environment, the environment over the default. What a project is made of (datasets, models, gates) is not here: it
stands in its \`slipway.config.ts\`.

A value that is not accepted stops the command with \`CONFIG_BAD_VALUE\` and exit code 2; the message names the
setting, where the value came from and what is accepted.

| variable | flag | default | meaning | key |
|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join("\n")}
`;
}

function describeDefault(setting: Setting<unknown>): string {
  if (setting.defaultText !== undefined) return setting.defaultText;
  const value = setting.default(NO_MACHINE);
  if (setting.unit === "bytes" && typeof value === "number") return formatByteSize(value);
  if (typeof value === "boolean") return value ? "on" : "off";
  return `\`${String(value)}\`${setting.unit === undefined ? "" : ` ${setting.unit}`}`;
}

const capitalised = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
