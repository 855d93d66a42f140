import { type Argument, Command, CommanderError } from "commander";
import { readOutputSettings, readSettings } from "../config/index.ts";
import { SlipwayError } from "../kernel/index.ts";
import { backupCommand, restoreCommand } from "./backup.ts";
import type { CommandDefinition, StartSession } from "./command.ts";
import { dataCommand } from "./data.ts";
import { deployCommand, rollbackCommand } from "./deploy.ts";
import { doctorCommand } from "./doctor.ts";
import { cliErrors } from "./errors.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";
import { feedbackCommand } from "./feedback.ts";
import { gcCommand } from "./gc.ts";
import { initCommand } from "./init.ts";
import { journalCommand } from "./journal.ts";
import { logCommand } from "./log.ts";
import { modelCommand, modelsCommand } from "./models.ts";
import { packageVersion } from "./package-version.ts";
import { predictCommand } from "./predict.ts";
import { printError } from "./print-error.ts";
import { replayCommand } from "./replay.ts";
import { reproduceCommand } from "./reproduce.ts";
import { runsCommand } from "./runs.ts";
import { openSession } from "./session.ts";
import { statusCommand, stopCommand } from "./status.ts";
import { type OutputStreams, openTerminal, type Terminal } from "./terminal.ts";
import { topCommand } from "./top.ts";
import { trainCommand } from "./train.ts";
import { upCommand } from "./up.ts";

/** The commands as `slipway --help` lists them. */
const GROUPS: readonly { readonly title: string; readonly commands: readonly CommandDefinition[] }[] = [
  { title: "From data to a model:", commands: [initCommand, dataCommand, trainCommand, runsCommand] },
  {
    title: "From a model to predictions:",
    commands: [
      modelsCommand,
      modelCommand,
      deployCommand,
      rollbackCommand,
      upCommand,
      predictCommand,
      feedbackCommand,
      stopCommand,
    ],
  },
  {
    title: "Afterwards:",
    commands: [
      statusCommand,
      topCommand,
      journalCommand,
      logCommand,
      replayCommand,
      reproduceCommand,
      gcCommand,
      backupCommand,
      restoreCommand,
      doctorCommand,
    ],
  },
];

/** Runs one command line and says with which code the process should end. */
export async function runCli(
  args: readonly string[],
  streams: OutputStreams = { stdout: process.stdout, stderr: process.stderr },
): Promise<ExitCode> {
  const output = readOutputSettings({
    flags: {
      ...(args.includes("--no-color") ? { noColor: true } : {}),
      ...(args.includes("--debug") ? { debug: true } : {}),
    },
  });
  const terminal = openTerminal(output, streams);
  const interruption = watchForInterruption();
  let code: ExitCode = exitCodes.done;
  const start: StartSession = async ({ flags, json }, work) => {
    const settings = readSettings({ flags });
    const session = openSession({ settings, terminal, json, signal: interruption.signal });
    try {
      const answer = await work(session);
      if (answer === undefined) return;
      terminal.out.write(json ? `${JSON.stringify(answer.data, null, 2)}\n` : answer.text(terminal.out));
      code = answer.exitCode ?? exitCodes.done;
    } finally {
      await session.close();
    }
  };
  try {
    await buildProgram(start, terminal).parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    // A command that only groups others, given alone: commander has printed its help.
    if (error instanceof CommanderError && error.code === "commander.help") return exitCodes.badInput;
    const reported = error instanceof CommanderError ? usageError(error) : interruption.reasonOf(error);
    if (args.includes("--json"))
      terminal.out.write(`${JSON.stringify({ error: errorForPrograms(reported) }, null, 2)}\n`);
    printError(reported, { err: terminal.err, debug: output.debug });
    return exitCodeOf(reported);
  } finally {
    interruption.stop();
  }
}

/** Exported for the test that reads every command's help. */
export function buildProgram(start: StartSession, terminal: Terminal): Command {
  const program = new Command("slipway")
    .description("Take machine-learning models to production and keep them healthy there.")
    .version(packageVersion(), "-V, --version", "Print the version.")
    .addHelpText(
      "after",
      `
Start here:
  $ slipway init --from customers.csv --target churned
  $ slipway train
  $ slipway up

Exit codes: 0 done, 1 failed or rejected, 2 wrong usage or bad input.
Settings also come from the environment: docs/reference/configuration.md`,
    );
  for (const { title, commands } of GROUPS) {
    for (const definition of commands) program.addCommand(definition.build(start).helpGroup(title));
  }
  inherit(program, terminal);
  return program;
}

/** Commander hands these settings down only to commands that it creates itself. */
function inherit(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    // What stands behind a subcommand is the subcommand's, even where its parent has an option of that name.
    .enablePositionalOptions()
    .helpOption("-h, --help", "Print this help.")
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({
      subcommandTerm: (subcommand) =>
        [subcommand.name(), ...subcommand.registeredArguments.map(argumentTerm)].join(" "),
    })
    .configureOutput({
      writeOut: terminal.out.write,
      writeErr: terminal.err.write,
      // Printed by us, in the form of all errors.
      outputError: () => undefined,
    });
  for (const subcommand of command.commands) inherit(subcommand, terminal);
}

const argumentTerm = (given: Argument): string =>
  given.required ? `<${given.name()}>` : `[${given.name()}]`;

/** `error: unknown option '--forse'\n(Did you mean --force?)` */
function usageError(error: CommanderError): SlipwayError {
  const [message = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const suggestion = rest.join(" ").replace(/^\((.*)\)$/, "$1");
  return cliErrors.CLI_USAGE.error(message, {
    hint: [suggestion, "`slipway --help` lists the commands, `slipway <command> --help` its options"]
      .filter((part) => part !== "")
      .join("\n"),
    cause: error,
  });
}

function errorForPrograms(error: unknown): unknown {
  if (error instanceof SlipwayError) return error.toJSON();
  return {
    code: "UNEXPECTED",
    kind: "internal",
    message: error instanceof Error ? error.message : String(error),
  };
}

interface Interruption {
  readonly signal: AbortSignal;
  /** What went wrong: after an interruption, that it was interrupted. */
  reasonOf(error: unknown): unknown;
  stop(): void;
}

function watchForInterruption(): Interruption {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    // Whoever asks twice does not want to wait for an orderly end.
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(cliErrors.CLI_INTERRUPTED.error(`stopped by ${name}`));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    reasonOf: (error) => (controller.signal.aborted ? controller.signal.reason : error),
    stop: () => {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    },
  };
}
