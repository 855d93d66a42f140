/** Writes docs/reference/metrics.md from the table of metrics; with `--check` only says whether it is current. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { metricsReference } from "../src/telemetry/index.ts";

const page = new URL("../docs/reference/metrics.md", import.meta.url);

if (!process.argv.includes("--check")) {
  mkdirSync(new URL(".", page), { recursive: true });
  writeFileSync(page, metricsReference());
} else if (!existsSync(page) || readFileSync(page, "utf8") !== metricsReference()) {
  process.stderr.write(
    "docs/reference/metrics.md is not current: run `npx node scripts/generate-metrics-reference.ts`\n",
  );
  process.exitCode = 1;
}
