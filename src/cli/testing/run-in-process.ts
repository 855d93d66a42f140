import { runCli } from "../program.ts";
import type { OutputStreams } from "../terminal.ts";
import type { Finished } from "./run-slipway.ts";

/** Runs a command line in this process: the same code without the start of a process. */
export async function runInProcess(args: readonly string[]): Promise<Omit<Finished, "signal">> {
  const collect = () => {
    const parts: string[] = [];
    return {
      write: (part: string) => parts.push(part) > 0,
      isTTY: false,
      columns: 100,
      text: () => parts.join(""),
    };
  };
  const [stdout, stderr] = [collect(), collect()];
  const code = await runCli(args, { stdout, stderr } as unknown as OutputStreams);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}
