/** Writes docs/reference/anomalies.md from the table of kinds; with `--check` only says whether it is current. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { anomaliesReference } from "../src/datasets/index.ts";

const page = new URL("../docs/reference/anomalies.md", import.meta.url);

if (!process.argv.includes("--check")) {
  mkdirSync(new URL(".", page), { recursive: true });
  writeFileSync(page, anomaliesReference());
} else if (!existsSync(page) || readFileSync(page, "utf8") !== anomaliesReference()) {
  process.stderr.write(
    "docs/reference/anomalies.md is not current: run `npx node scripts/generate-anomalies-reference.ts`\n",
  );
  process.exitCode = 1;
}
