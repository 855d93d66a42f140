import { spawn } from "node:child_process";

/** Runs a TypeScript file in a process of its own and gives the lines it writes. */
export function runProcess(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(output.split("\n").filter((line) => line !== ""));
      else reject(new Error(`${script} ended with ${code}`));
    });
  });
}
