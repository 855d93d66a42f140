/** Writes docs/reference/control-operations.md from the table of operations; with `--check` only says whether it is current. */
import { readFileSync, writeFileSync } from "node:fs";
import { operationsReference } from "../src/wire/index.ts";

const page = new URL("../docs/reference/control-operations.md", import.meta.url);
const text = operationsReference();

if (!process.argv.includes("--check")) {
  writeFileSync(page, text);
} else if (readFileSync(page, "utf8") !== text) {
  process.stderr.write(
    "docs/reference/control-operations.md is not current: run `npx node scripts/generate-operations-reference.ts`\n",
  );
  process.exitCode = 1;
}
