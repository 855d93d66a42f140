import type { Command } from "commander";
import { buildProgram } from "./program.ts";
import type { Output } from "./terminal.ts";

/** The text of `docs/reference/command-line.md`: the help of every command, with what all of them take only once. */
export function commandLineReference(): string {
  const nowhere: Output = {
    write: () => undefined,
    paint: (_style, text) => text,
    live: false,
    width: () => 100,
  };
  const program = buildProgram(async () => undefined, { out: nowhere, err: nowhere });
  const everywhere = EVERYWHERE.exec(
    helpText(program.commands.find((command) => command.name() === "train")!),
  )?.[1];
  return `# Command line

<!-- Written by scripts/generate-command-line-reference.ts from src/cli: change the commands, not this page. -->

Answers go to standard output, progress and errors to standard error. With \`--json\` the answer, or the error as
\`{"error": {…}}\`, is one JSON document. Exit codes: 0 done, 1 failed or rejected, 2 wrong usage or bad input, 130
stopped by the user.

Every command takes these; \`init\`, \`up\`, \`restore\` and \`doctor\` work on this machine alone and take no \`--server\`:

\`\`\`text
${everywhere}
\`\`\`

${sections(program, "slipway").trim()}
`;
}

const EVERYWHERE = /\n\nEverywhere:\n([\s\S]*?)(?=\n\n|$)/;

function sections(command: Command, path: string): string {
  return command.commands
    .flatMap((child) => {
      const here = `${path} ${child.name()}`;
      const help = helpText(child).replace(EVERYWHERE, "").trim();
      return [`## ${here}\n\n\`\`\`text\n${help}\n\`\`\`\n\n`, sections(child, here)];
    })
    .join("");
}

function helpText(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 100,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}
