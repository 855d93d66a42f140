import { readFileSync } from "node:fs";

/** Of this package; the file lies at the same place beside the sources and beside the build. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
