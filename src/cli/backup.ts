import { resolve } from "node:path";
import { argument, defineCommand, flag, option } from "./command.ts";
import { cliErrors } from "./errors.ts";
import { formatBytes, formatDigest, formatDuration, formatQuantity, formatTime } from "./format-values.ts";
import { openProgress } from "./progress.ts";

export const backupCommand = defineCommand({
  name: "backup",
  summary: "Write everything that is kept to one file, while it is in use.",
  details: [
    "The file holds the registry with its journal, every snapshot and bundle, the prediction log, and the key that the installation signs with: keep it where only you can read it. It is of one moment, that at which the command began.",
    "It is a tar file; `tar -tf` lists it.",
  ].join("\n\n"),
  parameters: {
    out: option("--out <path>", "The file to write, or a folder for it; it appears whole or not at all."),
  },
  examples: ["slipway backup --out /mnt/backups", "slipway backup --out friday.backup"],
  reach: "server",
  run: async ({ out }, session) => {
    if (out === undefined) throw cliErrors.CLI_USAGE.error("say where to write: --out friday.backup");
    const written = await session.call("backup", { out: resolve(out) }, "backup");
    const { bytes, rows, blobs, files, durationMs } = written;
    return {
      data: written,
      text: ({ paint }) =>
        `${paint("bold", written.out)}  ${formatBytes(bytes)}: ${formatQuantity(rows, "rows")}, ${formatQuantity(blobs, "blobs")}, ${formatQuantity(files, "other files")}  ${paint("dim", formatDuration(durationMs))}\n`,
    };
  },
});

export const restoreCommand = defineCommand({
  name: "restore",
  summary: "Make the project's state what a backup holds.",
  details: [
    "The database is the one that is set: a backup of SQLite restores into PostgreSQL (SLIPWAY_DATABASE_URL) and back. Everything is verified before anything changes. The server must be stopped.",
    "Where something is kept already it is refused, unless --replace is given: what was there is lost then.",
  ].join("\n\n"),
  parameters: {
    file: argument("<file>", "What `slipway backup` has written."),
    replace: flag("--replace", "Take the place of what is kept here."),
  },
  examples: ["slipway restore friday.backup", "slipway restore friday.backup --replace"],
  reach: "local",
  run: async ({ file, replace }, session) => {
    const { restoreBackup } = await import("../app/index.ts");
    const progress = openProgress({ err: session.terminal.err, label: "restore" });
    try {
      const restored = await restoreBackup({
        ...session.project(),
        file: resolve(file),
        replace: replace === true,
        signal: session.signal,
        onProgress: progress.onProgress,
      });
      const { installation, at, database, rows, blobs, files, durationMs } = restored;
      return {
        data: restored,
        text: ({ paint }) =>
          `restored ${paint("bold", formatDigest(installation))} as of ${formatTime(at)} into ${database === "sqlite" ? "SQLite" : "PostgreSQL"}: ${formatQuantity(rows, "rows")}, ${formatQuantity(blobs, "blobs")}, ${formatQuantity(files, "other files")}  ${paint("dim", formatDuration(durationMs))}\n`,
      };
    } finally {
      progress.close();
    }
  },
});
