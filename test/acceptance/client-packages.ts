import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What clients bring from the Python package index. Each is the client itself, without the server it was made for. */
export const CLIENT_PACKAGES = [
  "tritonclient[http,grpc]==2.73.0",
  "grpcio-health-checking==1.81.1",
  "mlflow-skinny==3.17.2",
  "pandas==3.1.1",
] as const;

const run = promisify(execFile);

/** True when there is a Python to run clients with. Where it is missing a line says what is skipped; in CI that is an error. */
export function hasPython(): boolean {
  if (spawnSync("python3", ["-m", "venv", "--help"]).status === 0) return true;
  if (process.env.CI)
    throw new Error("python3 with venv is missing: the clients of other servers cannot be run");
  process.stderr.write("SKIPPED: python3 with venv is missing: no client of another server is run\n");
  return false;
}

/**
 * The Python of an environment with the packages, beside other temporary files; made once for each list of packages.
 *
 * @returns the path of its interpreter
 */
export async function pythonWith(packages: readonly string[]): Promise<string> {
  const name = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 12);
  const folder = join(tmpdir(), `slipway-clients-${name}`);
  const complete = join(folder, "complete");
  const python = join(folder, "bin/python");
  if (existsSync(complete)) return python;
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"];
  await run(python, [...install, ...packages], { maxBuffer: 64 * 1024 * 1024 });
  writeFileSync(complete, "");
  return python;
}
