import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SlipwayError } from "../kernel/index.ts";
import { projectErrors } from "./errors.ts";
import { withoutLoadMarks } from "./module-hook.ts";

/** Where in the project's own files something went wrong; lines and columns count from 1. */
interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

/** What importing a config threw, as an error that says where and why. */
export function configFailure(thrown: unknown, config: URL): SlipwayError {
  const message = withoutLoadMarks(thrown instanceof Error ? thrown.message : String(thrown));
  const place = placeOf(thrown, config);
  const at = [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
  const ours = isOurs(thrown) ? thrown : undefined;
  return projectErrors.PROJECT_CONFIG_FAILED.error(`${at}: ${message}`, {
    details: {
      ...ours?.details,
      ...place,
      cause: ours?.code ?? (thrown instanceof Error ? thrown.name : typeof thrown),
    },
    cause: thrown,
    ...(ours?.hint === undefined ? {} : { hint: ours.hint }),
  });
}

/** Errors of this package may come from another copy of its modules, so their class says nothing. */
function isOurs(thrown: unknown): thrown is SlipwayError {
  return thrown instanceof Error && thrown.name === "SlipwayError" && "code" in thrown && "details" in thrown;
}

function placeOf(thrown: unknown, config: URL): Place {
  const file = fileURLToPath(config);
  if (!(thrown instanceof Error)) return { file };
  const place = placeInStack(withoutLoadMarks(thrown.stack ?? ""), config);
  if (place !== undefined) return place;
  if (thrown instanceof SyntaxError) {
    // Of JavaScript that cannot be parsed Node tells the place only to the terminal.
    const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8", timeout: 10_000 });
    return placeInStack(stderr, config) ?? { file };
  }
  return { file };
}

/** The first of the project's files on the stack: the config itself or a file in or below its folder. */
function placeInStack(stack: string, config: URL): Place | undefined {
  const folder = fileURLToPath(new URL("./", config));
  for (const line of stack.split("\n")) {
    const match = /(?:^|\(|at )(file:\/\/[^\s()]+?|\/[^()]+?|[A-Za-z]:\\[^()]+?):(\d+)(?::(\d+))?\)?$/.exec(
      line.trim(),
    );
    if (match === null) continue;
    const [, where = "", row = "1", column] = match;
    const file = where.startsWith("file:") ? fileURLToPath(where) : where;
    if (!file.startsWith(folder) || file.includes("node_modules")) continue;
    const place = { file, line: Number(row) };
    return column === undefined ? { ...place, ...caretColumn(stack) } : { ...place, column: Number(column) };
  }
  return undefined;
}

/** Syntax errors show the line and a caret under the column instead of naming it. */
function caretColumn(stack: string): { readonly column?: number } {
  const caret = /^( *)\^/m.exec(stack);
  return caret === null ? {} : { column: caret[1]!.length + 1 };
}
