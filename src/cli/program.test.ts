import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "./program.ts";
import { runInProcess } from "./testing/run-in-process.ts";
import { runSlipway } from "./testing/run-slipway.ts";

function leaves(command: Command, path: readonly string[] = []): { command: Command; path: string[] }[] {
  return command.commands.flatMap((child) => {
    const here = [...path, child.name()];
    return [{ command: child, path: here }, ...leaves(child, here)];
  });
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 100,
  });
  command.outputHelp();
  return text;
}

const nowhere = {
  write: () => undefined,
  paint: (_style: string, text: string) => text,
  live: false,
  width: () => 100,
};
const commands = leaves(buildProgram(async () => undefined, { out: nowhere, err: nowhere }));

describe("every command", () => {
  it.each(commands.map(({ command, path }) => [path.join(" "), command] as const))(
    "slipway %s has a summary and an example of itself in its help",
    (path, command) => {
      const help = helpOf(command);
      expect(command.summary()).toMatch(/^[A-Z].*\.$/);
      expect(help).toContain(command.summary().split(" ")[0]);
      const examples =
        help
          .split("Examples:")[1]
          ?.split("\n")
          .filter((line) => line.trim() !== "") ?? [];
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) expect(example).toMatch(/^ {2}\$ slipway /);
      expect(examples.join("\n")).toContain(`slipway ${path}`);
    },
  );

  it.each(
    commands
      .filter(({ command }) => command.commands.length === 0)
      .map(({ command, path }) => [path.join(" "), command] as const),
  )("slipway %s takes --json, --project and --debug", (_path, command) => {
    const flags = command.options.map(({ long }) => long);
    expect(flags).toEqual(expect.arrayContaining(["--json", "--project", "--debug", "--no-color"]));
  });

  it("shows options only that its help explains", () => {
    for (const { command } of commands) {
      for (const option of command.options)
        expect(option.description, `${command.name()} ${option.flags}`).toMatch(/\w/);
    }
  });

  it.each([
    "data",
    "train",
    "runs",
    "models",
    "deploy",
    "rollback",
    "predict",
    "replay",
    "reproduce",
    "journal",
    "status",
    "stop",
  ])("slipway %s reaches a server elsewhere", (name) => {
    const own = commands.filter(({ path, command }) => path[0] === name && command.commands.length === 0);
    for (const { command } of own) {
      expect(command.options.map(({ long }) => long)).toEqual(
        expect.arrayContaining(["--server", "--token"]),
      );
    }
  });
});

describe("a wrong command line", () => {
  it.each([
    [["trian"], "unknown command 'trian'", "Did you mean train?"],
    [["data", "ad"], "unknown command 'ad'", "Did you mean add?"],
    [["deploy", "--forse"], "unknown option '--forse'", "Did you mean --force?"],
    [["deploy"], "missing required argument 'model@version'", "--help"],
    [["deploy", "churn"], '"churn" does not name a version', "churn@3"],
    [["data", "log", "--limit", "many"], '--limit: "many" is not a whole number', ""],
    [["replay"], "name one prediction by its id", ""],
    [["replay", "x", "--all"], "name one prediction by its id", ""],
    [["replay", "--since", "yesterday"], '--since: "yesterday" is not a time', "24h"],
    [
      ["up", "--port", "99999"],
      '--port: "99999" is not accepted: a whole number from 0 to 65535 is wanted',
      "",
    ],
  ])("%j ends with 2, on stderr alone", async (args, message, hint) => {
    const { code, stdout, stderr } = await runInProcess(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain("    at ");
  });

  it("is an error in JSON for a program that asked for JSON", async () => {
    const { code, stdout } = await runInProcess(["train", "--threads", "none", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: "CONFIG_BAD_VALUE",
      details: { key: "trainingThreads", source: "--threads", value: "none" },
    });
  });

  it("shows help for a group of commands, and ends with 2", async () => {
    const { code, stdout, stderr } = await runInProcess(["data"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("slipway data show flights");
  });
});

describe("where there is no project", () => {
  it("a command says so and what to do", async () => {
    const { code, stderr } = await runInProcess(["models", "--project", "/"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/CLI_NO_PROJECT[\s\S]*slipway init/);
  });

  it("--server wants a token, and says when nobody answers", async () => {
    const wanted = await runInProcess(["models", "--server", "http://127.0.0.1:9"]);
    expect([wanted.code, wanted.stderr]).toEqual([1, expect.stringContaining("CLI_TOKEN_WANTED")]);
    const nobody = await runInProcess([
      "models",
      "--server",
      "http://127.0.0.1:9",
      "--token",
      "0123456789abcdef",
    ]);
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining("CLIENT_UNREACHABLE")]);
  });

  it("NO_COLOR and FORCE_COLOR are respected", async () => {
    const [plain, coloured, both, flag] = await Promise.all([
      runSlipway(["trian"]),
      runSlipway(["trian"], { env: { FORCE_COLOR: "1" } }),
      runSlipway(["trian"], { env: { FORCE_COLOR: "1", NO_COLOR: "1" } }),
      runSlipway(["trian", "--no-color"], { env: { FORCE_COLOR: "1" } }),
    ]);
    expect([plain, coloured, both, flag].map(({ stderr }) => stderr.includes("\x1b["))).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it("--debug adds the stack", async () => {
    const { stderr } = await runInProcess(["models", "--debug", "--project", "/"]);
    expect(stderr).toMatch(/\n {4}at /);
  });
});
