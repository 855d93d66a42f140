/** Writes docs/reference/features.md from the table of operations; with `--check` only says whether it is current. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { featuresReference } from "../src/features/index.ts";

const page = new URL("../docs/reference/features.md", import.meta.url);

if (!process.argv.includes("--check")) {
  mkdirSync(new URL(".", page), { recursive: true });
  writeFileSync(page, featuresReference());
} else if (!existsSync(page) || readFileSync(page, "utf8") !== featuresReference()) {
  process.stderr.write(
    "docs/reference/features.md is not current: run `npx node scripts/generate-features-reference.ts`\n",
  );
  process.exitCode = 1;
}
