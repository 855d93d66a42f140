import { runCli } from "./program.ts";

/** Whatever a command leaves open may finish this long; then the process ends all the same. */
const LINGER_MS = 3_000;

// A reader that has seen enough, such as `head`, closes the pipe: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

// Nobody reads what is said on the way; what was asked for is done all the same.
process.stderr.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await runCli(process.argv.slice(2));
setTimeout(() => process.exit(), LINGER_MS).unref();
