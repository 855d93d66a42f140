#!/usr/bin/env node
// Runs before `npm test` and `npm run demo`, on whatever Node the machine has, so that a fresh clone needs no other command.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const [major] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(
    `Slipway needs Node 20 or newer to start with (it brings its own Node 26); this is ${process.version}.`,
  );
  process.exit(2);
}

/** True when every package of the lock file stands in node_modules in its version. */
function isInstalled() {
  const installedPath = `${root}node_modules/.package-lock.json`;
  if (!existsSync(installedPath) || !existsSync(`${root}node_modules/node/bin`)) return false;
  const wanted = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === "" || optional || installed[path]?.version === version,
  );
}

if (!isInstalled()) {
  console.error("Installing what is missing (about 30 seconds) ...");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error("npm ci failed; the messages above say why.");
    process.exit(status ?? 1);
  }
}
