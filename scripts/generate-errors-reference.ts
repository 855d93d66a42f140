/** Writes docs/reference/errors.md from the error tables of all rooms; with `--check` only says whether it is current. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ErrorTable } from "../src/kernel/index.ts";

const page = new URL("../docs/reference/errors.md", import.meta.url);
const src = new URL("../src/", import.meta.url);

const STATUS: Readonly<Record<string, string>> = {
  invalid: "the request, the data or the configuration is wrong",
  denied: "the caller may not do this",
  "not-found": "what was named does not exist",
  conflict: "it contradicts what exists",
  unsupported: "it is a thing this version does not know",
  exhausted: "a limit is reached: disk, size, queue",
  unavailable: "something needed does not answer now",
  internal: "a fault of Slipway or of its stored state",
};

async function render(): Promise<string> {
  const lines = [
    "# Errors",
    "",
    "Every error has a stable code; a code is never reused for something else. The kind decides the HTTP status and the exit code.",
    "",
    "| kind | meaning |",
    "|---|---|",
    ...Object.entries(STATUS).map(([kind, meaning]) => `| ${kind} | ${meaning} |`),
  ];
  for (const room of readdirSync(src).sort()) {
    const file = new URL(`${room}/errors.ts`, src);
    if (!existsSync(file)) continue;
    const module: Record<string, ErrorTable> = await import(file.href);
    lines.push("", `## ${room}`, "", "| code | kind | raised when |", "|---|---|---|");
    for (const table of Object.values(module)) {
      for (const { code, kind, doc } of Object.values(table))
        lines.push(`| \`${code}\` | ${kind} | ${doc.replaceAll("|", "\\|")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

const text = await render();
if (!process.argv.includes("--check")) {
  writeFileSync(page, text);
} else if (!existsSync(page) || readFileSync(page, "utf8") !== text) {
  process.stderr.write(
    "docs/reference/errors.md is not current: run `npx node scripts/generate-errors-reference.ts`\n",
  );
  process.exitCode = 1;
}
