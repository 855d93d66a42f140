import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../../src/kernel/index.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { predict, repository, scratchFolder } from "./command.ts";
import { copyRepository } from "./documents.ts";

/** The package as somebody who installs it has it: built, packed, in a folder that has never seen this repository. */
const folder = scratchFolder("package");
const user = join(folder.path, "user");
/** Without the repository's own programs: the Node and the npm that the machine has. */
const PATH = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((entry) => !entry.includes("node_modules"))
  .join(delimiter);
const env = { ...process.env, PATH, NO_COLOR: "1", SLIPWAY_DATABASE_URL: "" };

function run(command: string, args: readonly string[], cwd = user): string {
  return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

const slipway = <Answer>(...args: readonly string[]): Answer =>
  JSON.parse(run("npx", ["--no", "slipway", ...args, "--json"])) as Answer;

beforeAll(() => {
  const clone = join(folder.path, "clone");
  copyRepository(clone);
  run("npm", ["run", "build"], clone);
  run("npm", ["pack", "--pack-destination", folder.path], clone);
  mkdirSync(user);
  const tarball = readdirSync(folder.path).find((name) => name.endsWith(".tgz")) ?? "";
  // npm writes a package.json that makes everything CommonJS.
  run("npm", ["init", "--yes"]);
  run("npm", [
    "install",
    join(folder.path, tarball),
    // Without it npm 10 would download CUDA libraries.
    "--onnxruntime-node-install=skip",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
  ]);
  writeFileSync(join(user, "ads.csv"), rowsEnoughForThreads());
});
afterAll(folder.remove);

describe("the installed package", () => {
  it("holds the build, and neither sources nor tests", () => {
    const installed = join(user, "node_modules/slipway");
    expect(existsSync(join(installed, "src"))).toBe(false);
    const files = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" });
    expect(files).toContain(join("cli", "main.js"));
    expect(files.filter((name) => /\.test\.|testing/.test(name))).toEqual([]);
  });

  it("looks at a file and writes a configuration whose types the package has", () => {
    const init = slipway<{ model: string }>("init", "--from", "ads.csv", "--target", "clicked");
    expect(init.model).toBe("clicked");
    expect(run(join(repository, "node_modules/.bin/tsc"), ["--noEmit", "-p", "."])).toBe("");
  });

  it("trains on threads of its own, says nothing but the answer, and rebuilds the same bytes on one", () => {
    const trained = slipway<OperationOutput<"train">>("train", "--threads", "2");
    expect(trained).toMatchObject({ version: 1, status: "accepted", champion: true });
    const reproduced = slipway<OperationOutput<"reproduce">>("reproduce", "clicked@1", "--threads", "1");
    expect(reproduced.verdict).toBe("identical");
  });

  it("serves, and replays what it answered", async () => {
    const args = [
      "--no",
      "slipway",
      "up",
      "--port",
      "0",
      "--grpc-port",
      "0",
      "--console-port",
      "0",
      "--json",
    ];
    const server = spawn("npx", args, { cwd: user, env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise((resolve) => server.once("exit", resolve));
    const complaints: string[] = [];
    server.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
    try {
      const { predictions } = await firstEvent(server.stdout);
      const answer = await predict(predictions, "clicked", {
        instances: [{ at: "2024-03-01T12:00:00Z", site: "mail", price: 2.5, note: "a word" }],
      });
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
      expect(slipway("replay", "--all")).toMatchObject({ predictions: 1, identical: 1 });
    } finally {
      slipway("stop");
      await ended;
    }
    expect(complaints.join("").replace(/^npm warn .*\n/gm, "")).not.toMatch(/warning|error/i);
  });
});

async function firstEvent(stdout: NodeJS.ReadableStream): Promise<{ predictions: string }> {
  for await (const line of createInterface({ input: stdout })) {
    const event = JSON.parse(line) as { kind: string; predictions: string };
    if (event.kind === "listening") return event;
  }
  throw new Error("the server ended before it listened");
}

/** Some 20 MB: datasets are scanned, and trees are grown, on several threads from a certain size on. */
function rowsEnoughForThreads(): string {
  const random = createRandom("package");
  const lines = ["at,site,price,note,clicked"];
  for (let row = 0; row < 150_000; row++) {
    const site = ["news", "mail", "games", "maps"][random.integer(4)] ?? "";
    const price = random.float() * 10;
    const clicked = random.float() < 0.2 + 0.1 * ["news", "mail", "games", "maps"].indexOf(site) + price / 50;
    const note = `words of row ${row} that nobody reads, ${"long ".repeat(8)}${random.integer(1e9)}`;
    const at = new Date(1_700_000_000_000 + row * 60_000).toISOString();
    lines.push(`${at},${site},${price.toFixed(4)},"${note}",${clicked ? 1 : 0}`);
  }
  return `${lines.join("\n")}\n`;
}
