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

/**
 * The stubs of TensorFlow Serving and the inference clients of KServe. Both packages want a whole server beside them; here
 * they are given what the clients themselves import, and TensorFlow's messages without TensorFlow.
 */
export const STUB_PACKAGES = [
  "grpcio==1.81.1",
  "protobuf==6.33.6",
  "numpy==2.4.6",
  "pandas==2.3.3",
  "httpx==0.28.1",
  "orjson==3.13.0",
  "fastapi==0.165.0",
  "pyyaml==6.0.3",
  "psutil==5.9.8",
  "cloudevents==1.13.0",
] as const;

export const STUBS: LonePackages = {
  alone: ["tensorflow-serving-api==2.21.0", "kserve==0.21.0"],
  messagesOf: "tensorflow-cpu==2.21.0",
};

/** Packages of which less than the whole is installed. */
export interface LonePackages {
  /** Installed without what they depend on. */
  readonly alone: readonly string[];
  /** Of this one only the modules of its protobuf messages. */
  readonly messagesOf: string;
}

const run = promisify(execFile);

/** True when the environment asks for clients whose packages are hundreds of megabytes. A line says what is skipped. */
export function wantsLargePackages(): boolean {
  if (process.env.SLIPWAY_TEST_LARGE_PACKAGES === "1") return true;
  process.stderr.write(
    "SKIPPED: TensorFlow Serving's stubs and KServe's client; SLIPWAY_TEST_LARGE_PACKAGES=1 runs them\n",
  );
  return false;
}

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
export async function pythonWith(packages: readonly string[], lone?: LonePackages): Promise<string> {
  const named = [...packages, ...(lone === undefined ? [] : [...lone.alone, lone.messagesOf])].join("\n");
  const name = createHash("sha256").update(named).digest("hex").slice(0, 12);
  const folder = join(tmpdir(), `slipway-clients-${name}`);
  const complete = join(folder, "complete");
  const python = join(folder, "bin/python");
  if (existsSync(complete)) return python;
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  const pip = (...args: readonly string[]) =>
    run(python, ["-m", "pip", ...args, "--quiet", "--disable-pip-version-check", "--prefer-binary"], {
      maxBuffer: 64 * 1024 * 1024,
    });
  await pip("install", ...packages);
  if (lone !== undefined) {
    await pip("install", "--no-deps", ...lone.alone);
    const wheels = join(folder, "wheels");
    await pip("download", "--no-deps", "--dest", wheels, lone.messagesOf);
    await run(python, ["-c", MESSAGES_OF_WHEEL, wheels]);
    rmSync(wheels, { recursive: true });
  }
  writeFileSync(complete, "");
  return python;
}

const MESSAGES_OF_WHEEL = `
import glob, os, site, sys, zipfile
[path] = glob.glob(os.path.join(sys.argv[1], "*.whl"))
with zipfile.ZipFile(path) as wheel:
    names = [name for name in wheel.namelist() if name.endswith("_pb2.py")]
    wheel.extractall(site.getsitepackages()[0], names)
`;
