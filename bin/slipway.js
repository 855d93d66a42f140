#!/usr/bin/env node
// Plain JavaScript for any Node from 20 on: it finds the Node that Slipway needs and the code to run, then gets out
// of the way.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as modules from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const OLDEST_MAJOR = 24;
const self = fileURLToPath(import.meta.url);
const root = dirname(dirname(self));

if (Number(process.versions.node.split(".")[0]) >= OLDEST_MAJOR) await run();
else replaceBy(bundledNode());

async function run() {
  hideExperimentalWarnings();
  // Compiled code is kept beside the packages, out of the reach of other users: later starts take a third of the time.
  const compiled = join(root, "node_modules", ".cache", "slipway");
  modules.enableCompileCache(compiled);
  // The processes that this one starts look there too.
  process.env.NODE_COMPILE_CACHE ??= compiled;
  // The repository has sources, which Node runs as they are; a published package has only the build.
  const source = join(root, "src", "cli", "main.ts");
  const main = existsSync(source) ? source : join(root, "dist", "cli", "main.js");
  await import(pathToFileURL(main).href);
}

/** Node says of its own built-in modules that they are experimental; everything else it warns of is shown. */
function hideExperimentalWarnings() {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === "object" && rest[0] !== null ? rest[0].type : rest[0];
    const name = warning instanceof Error ? warning.name : type;
    if (name !== "ExperimentalWarning") emitWarning.call(process, warning, ...rest);
  };
}

/** The Node that came with the package `node`, on which Slipway depends. */
function bundledNode() {
  const problem = `slipway needs Node ${OLDEST_MAJOR} or later, and this is ${process.version}.`;
  try {
    const folder = dirname(modules.createRequire(self).resolve("node/package.json"));
    const binary = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
    if (existsSync(binary)) return binary;
    fail(
      `${problem}\nThe package "node", which brings one, was installed without its install script.\nRun: npm rebuild node`,
    );
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    fail(`${problem}\nThe package "node", which brings one, is not installed.\nRun: npm install`);
  }
}

function replaceBy(node) {
  const args = [self, ...process.argv.slice(2)];
  if (typeof process.execve === "function" && process.platform !== "win32") {
    hideExperimentalWarnings();
    process.execve(node, [node, ...args], process.env);
  }
  const child = spawn(node, args, { stdio: "inherit" });
  // A terminal sends Ctrl-C to the child as well: forwarding it would make it two.
  const fromTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(signal, () => {
      if (!(fromTerminal && (signal === "SIGINT" || signal === "SIGQUIT"))) child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
