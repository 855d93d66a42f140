import type { UpEvent } from "../app/index.ts";
import { defineCommand, flag, setting } from "./command.ts";
import { formatDuration } from "./format-values.ts";
import { describeServing } from "./serving-text.ts";
import type { Session } from "./session.ts";
import { printable } from "./terminal.ts";

export const upCommand = defineCommand({
  name: "up",
  summary: "Serve the champion of every model, and the console.",
  details:
    "Stays in the foreground and restarts what dies; Ctrl-C stops it after the requests in hand. With --json it prints one event a line.",
  parameters: {
    host: setting("host"),
    port: setting("port"),
    grpcPort: setting("grpcPort"),
    noGrpc: setting("noGrpc"),
    consoleHost: setting("consoleHost"),
    consolePort: setting("consolePort"),
    allowedHosts: setting("allowedHosts"),
    workers: setting("workers"),
    maxWorkers: setting("maxWorkers"),
    maxBody: setting("maxBodyBytes"),
    maxImage: setting("maxImageBytes"),
    maxImagePixels: setting("maxImagePixels"),
    storedImages: setting("storedImages"),
    durability: setting("logDurability"),
    accessLog: setting("accessLog"),
    accessLogShare: setting("accessLogShare"),
    token: setting("token"),
    takeover: flag(
      "--takeover",
      "Take over from the server that is up for this project, as for a new release of Slipway: its workers answer until the new ones do.",
    ),
  },
  examples: ["slipway up", "slipway up --port 9000 --workers 2 --max-workers 4", "slipway up --takeover"],
  reach: "local",
  run: async ({ takeover }, session) => {
    const location = session.project();
    const { runUp } = await import("../app/index.ts");
    const described: Promise<void>[] = [];
    await runUp({
      ...location,
      takeOver: takeover === true,
      signal: session.signal,
      onEvent: (event) => {
        if (session.json) session.terminal.out.write(`${JSON.stringify(event)}\n`);
        else if (event.kind === "listening") described.push(describeListening(event, session));
        else session.terminal.err.write(`${eventLine(event, session)}\n`);
      },
    });
    await Promise.all(described);
    return undefined;
  },
});

async function describeListening(
  event: Extract<UpEvent, { kind: "listening" }>,
  session: Session,
): Promise<void> {
  const { out } = session.terminal;
  const text = await describeServing({ ...event, session });
  out.write(text);
}

function eventLine(event: Exclude<UpEvent, { kind: "listening" }>, { terminal: { err } }: Session): string {
  switch (event.kind) {
    case "exited":
      return `${err.paint("yellow", "!")} a ${event.role} process (${event.pid}) ended: ${printable(event.how)}; next start in ${formatDuration(event.restartInMs)}`;
    case "scaling":
      return `${err.paint("cyan", "·")} ${event.action} a worker, ${event.workers} now: ${printable(event.reason)}`;
    case "control-back":
      return `${err.paint("green", "·")} the control plane runs again${event.console === null ? "" : `: console ${printable(event.console)}`}`;
    case "draining-orphans":
      return `${err.paint("yellow", "!")} workers of an earlier server still answer (${event.pids.join(", ")}): letting them finish`;
    case "handed-over":
      return err.paint("dim", "another server has taken over");
    case "problem":
      return `${err.paint("red", "!")} ${printable(event.text)}`;
    case "stopping":
      return err.paint("dim", "stopping: finishing the requests in hand");
  }
}
