import { resolve } from "node:path";
import type { Finding, ProjectLocation } from "../app/index.ts";
import { SlipwayError } from "../kernel/index.ts";
import { defineCommand } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Session } from "./session.ts";
import { type Output, printable } from "./terminal.ts";

export const doctorCommand = defineCommand({
  name: "doctor",
  summary: "Check that this machine has what Slipway needs.",
  details:
    "Looks at Node, SQLite, DuckDB, onnxruntime, the state directory, disk space, ports and PostgreSQL if it is configured. Changes nothing. Ends with 1 when something is in the way.",
  parameters: {},
  examples: ["slipway doctor", "slipway doctor --json"],
  reach: "local",
  run: async (_values, session) => {
    const { diagnose } = await import("../app/index.ts");
    const findings: Finding[] = [];
    for await (const finding of diagnose(placeToCheck(session))) findings.push(finding);
    const bad = findings.some(({ state }) => state === "bad");
    return {
      data: { findings },
      text: (out) => findings.map((finding) => describe(finding, out)).join(""),
      exitCode: bad ? exitCodes.failed : exitCodes.done,
    };
  },
});

/** Outside a project the machine can be checked as well: where a project would be. */
function placeToCheck({ project, settings }: Session): ProjectLocation {
  try {
    return project();
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    const projectRoot = resolve(settings.projectDirectory);
    return { projectRoot, stateDirectory: resolve(projectRoot, settings.stateDirectory), settings };
  }
}

const MARKS = { good: ["green", "✓"], warning: ["yellow", "!"], bad: ["red", "✗"] } as const;

function describe({ check, state, found, advice }: Finding, { paint }: Output): string {
  const [style, mark] = MARKS[state];
  const hint = advice === undefined ? "" : `\n  ${paint("cyan", "hint")} ${printable(advice)}`;
  return `${paint(style, mark)} ${check.padEnd(16)} ${printable(found)}${hint}\n`;
}
