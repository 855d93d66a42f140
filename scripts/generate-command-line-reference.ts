/** Writes docs/reference/command-line.md from the commands themselves; with `--check` only says whether it is current. */
import { readFileSync, writeFileSync } from "node:fs";
import { commandLineReference } from "../src/cli/reference-page.ts";

const page = new URL("../docs/reference/command-line.md", import.meta.url);
const text = commandLineReference();

if (!process.argv.includes("--check")) {
  writeFileSync(page, text);
} else if (readFileSync(page, "utf8") !== text) {
  process.stderr.write(
    "docs/reference/command-line.md is not current: run `npx node scripts/generate-command-line-reference.ts`\n",
  );
  process.exitCode = 1;
}
