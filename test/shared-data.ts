import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../shared/data/", import.meta.url));

/**
 * The path of a file of the shared test data, which lies beside the repository and is not part of it. Where it is
 * missing the answer is `undefined` and a line says what is skipped; in CI that is an error.
 */
export function sharedData(path: string): string | undefined {
  const full = `${root}${path}`;
  if (existsSync(full)) return full;
  if (process.env.CI) throw new Error(`shared test data is missing: ${path}`);
  process.stderr.write(`SKIPPED: shared test data is missing: ${path}\n`);
  return undefined;
}
