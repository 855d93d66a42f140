/** Writes docs/reference/configuration.md from the table of settings; with `--check` only says whether it is current. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { settingsReference } from "../src/config/index.ts";

const page = new URL("../docs/reference/configuration.md", import.meta.url);

function current(): string {
  try {
    return readFileSync(page, "utf8");
  } catch {
    return "";
  }
}

if (!process.argv.includes("--check")) {
  mkdirSync(new URL(".", page), { recursive: true });
  writeFileSync(page, settingsReference());
} else if (current() !== settingsReference()) {
  process.stderr.write(
    "docs/reference/configuration.md is not current: run `npx node scripts/generate-configuration-reference.ts`\n",
  );
  process.exitCode = 1;
}
